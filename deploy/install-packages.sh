#!/usr/bin/env bash
# Installs the Debian packages that are missing; no service of theirs is started, or enabled for
# the next boot.
#
#   deploy/install-packages.sh redis-server python3-venv
set -euo pipefail

installed() { dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

missing=()
for package in "$@"; do installed "$package" || missing+=("$package"); done
if ((${#missing[@]} == 0)); then exit 0; fi

if ! command -v apt-get >/dev/null || ((EUID != 0)); then
    echo "missing on this machine: ${missing[*]}" >&2
    echo "  cure, as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

exec 9>/run/lock/federator-install-packages
flock 9

# Debian asks policy-rc.d before it starts a service; 101 means no. A policy that was there before
# (or was left aside by a run that was killed) comes back.
policy=/usr/sbin/policy-rc.d
if [[ -e $policy && ! -e $policy.aside ]]; then mv "$policy" "$policy.aside"; fi
restore_policy() { if [[ -e $policy.aside ]]; then mv "$policy.aside" "$policy"; else rm -f "$policy"; fi; }
trap restore_policy EXIT
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

enabled() { find /etc/systemd/system /etc/rc[2-5].d -type l \( -path '*.wants/*' -o -name 'S*' \) 2>/dev/null | sort; }
before=$(enabled)

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
install=("${apt[@]}" install -y --no-install-recommends "${missing[@]}")
log=$(mktemp)
echo "installs ${missing[*]}"
# A machine that has just been made has no package lists yet, an old one has lists that are stale.
if ! "${install[@]}" </dev/null >"$log" 2>&1; then
    if ! { "${apt[@]}" update && "${install[@]}"; } </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        exit 1
    fi
fi
rm -f "$log"

# deb-systemd-helper, as dpkg's scripts call it: the decision outlives upgrades.
comm -13 <(echo "$before") <(enabled) | sort -r | while read -r link; do
    name=${link##*/}
    case $link in
        *.wants/*) DPKG_MAINTSCRIPT_PACKAGE=$name deb-systemd-helper disable "$name" >/dev/null ;;
        *) update-rc.d "${name:3}" disable ;;
    esac
done
