#!/bin/sh
# SPDX-License-Identifier: MIT
# Every script answers --help with its usage, on a screen and without doing anything else, and refuses an option that it
# does not know with exit code 2.  usage: help.sh PROJECT_DIR
set -u
cd "$1" || exit 1
status=0
for script in scripts/*; do
    case $script in
    scripts/packages.sh | scripts/page.py | scripts/__pycache__) continue ;; # not to be called by hand
    esac
    text=$(timeout 20 "$script" --help 2>/dev/null </dev/null) || { echo "$script --help: exit code $?"; status=1; }
    echo "$text" | grep -qi '^usage: ' || { echo "$script --help shows no usage"; status=1; }
    echo "$text" | awk -v name="$script" 'length($0) > 80 || NR > 40 { print name " --help does not fit a screen: " $0; bad = 1 } END { exit bad }' ||
        status=1
    [ "$script" != scripts/demo ] || continue # its options are those of the program that it builds
    timeout 20 "$script" --nonsense >/dev/null 2>&1 </dev/null
    [ $? -eq 2 ] || { echo "$script --nonsense is not refused"; status=1; }
done
exit $status
