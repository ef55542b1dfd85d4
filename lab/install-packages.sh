#!/bin/sh
# Installs the packages of packages.txt that are missing. Usage: make lab-packages   (needs root)
set -eu
cd "$(dirname "$0")"
missing=
for package in $(sed 's/#.*//' packages.txt); do
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "installing$missing"
apt-get update -q
# shellcheck disable=SC2086 # one word a package
# RUNLEVEL: no service is started, as there is no machine of ours to serve
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing
