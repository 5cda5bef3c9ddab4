#!/usr/bin/env bash
# See to it that a program is there; root installs its Debian package, anyone else is told to.
#     tools/need.sh PROGRAM PACKAGE
set -euo pipefail
program=$1 package=$2
command -v "$program" > /dev/null && exit
if [[ $(id -u) != 0 ]] || ! command -v apt-get > /dev/null; then
    echo "$program is missing: install $package" >&2
    exit 1
fi
apt-get install -qq -y "$package" || { apt-get update -qq && apt-get install -qq -y "$package"; }
