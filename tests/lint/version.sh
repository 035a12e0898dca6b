#!/bin/sh
# SPDX-License-Identifier: MIT
# The changelog begins with the version that is built, and whatever else names it agrees.  usage: version.sh PROJECT_DIR VERSION
set -eu
cd "$1"
grep -m 1 '^## ' CHANGELOG.md | grep -qF "$2" || {
    echo "the first heading of CHANGELOG.md must name $2"
    exit 1
}
for file in CITATION.cff codemeta.json bindings/r/DESCRIPTION packaging/vcpkg/vcpkg.json packaging/conan/conanfile.py; do
    grep -qiE "^ *\"?version\"?(:| =) \"?$2\"?,?\$" "$file" || { echo "$file must name version $2"; exit 1; }
done
if [ -f debian/changelog ]; then # not in the tarball
    sed 1q debian/changelog | grep -qF "($2-" || { echo "debian/changelog must begin with $2"; exit 1; }
fi
