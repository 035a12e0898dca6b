# SPDX-License-Identifier: MIT
# Sourced by the other scripts: what they say on --help, and what they need of the machine. Packages of Debian that are
# missing are installed by name. Exit code 77 says that something cannot be had here.

# The comment that a script starts with.
about() {
    sed -n '3,/^set /{ /^set /d; s/^# \{0,1\}//p; }' "scripts/${0##*/}" | fold -s -w 80 | sed 's/ *$//'
}

# A wrong command line.
wrong() {
    echo "${0##*/}: $1" >&2
    about >&2
    exit 2
}

answer_help() {
    [ "${1:-}" != --help ] || { about; exit 0; }
}

need_packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    echo "installing:$missing" >&2
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "please install these packages first, as root: apt-get install$missing" >&2
            exit 77
        fi
        as_root=sudo
    fi
    # shellcheck disable=SC2086 # a list of words
    { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >&2 ||
        { echo "these packages cannot be installed:$missing" >&2; exit 77; }
}

# Can programs be run under these sanitizers? Their shadow memory may find no room where addresses are very random:
# $steady goes before such programs, to take the randomness away. Where the system forbids ptrace, leaks are not seen.
need_sanitizers() { # COMPILER KINDS
    steady= found=no probe=$(mktemp -d)
    echo 'int main(void) { return 0; }' >"$probe/main.c"
    if setarch -R true 2>/dev/null; then
        steady='setarch -R'
    elif [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ]; then
        steady=false
    fi
    if "$1" "-fsanitize=$2" "$probe/main.c" -o "$probe/main"; then
        if $steady "$probe/main" 2>/dev/null; then
            found=yes
        elif ASAN_OPTIONS=detect_leaks=0 $steady "$probe/main" 2>/dev/null; then
            found=yes
            export ASAN_OPTIONS="detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
            echo "leaks are not looked for: this system does not let LeakSanitizer see them"
        fi
    fi
    rm -r "$probe"
    [ "$found" = yes ] || { echo "programs of $1 -fsanitize=$2 do not run on this system"; exit 77; }
} >&2
