# SPDX-License-Identifier: MIT
# Sourced by the other scripts: what they say on --help, and Debian packages that are missing, installed by name.

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
            return 1
        fi
        as_root=sudo
    fi
    # shellcheck disable=SC2086 # a list of words
    { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >&2
}
