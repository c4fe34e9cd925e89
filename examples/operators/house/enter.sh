#!/bin/bash
# A box of its own for the commands of a document: its own /etc, /var/lib and /run, its own loopback, its own processes, which all end
# with it. Runs every block in the order of the document, each as a shell of its own.
#
# usage: unshare --mount --net --pid --fork --kill-child --mount-proc bash enter.sh PLACE CLI
#   PLACE/blocks/NN.sh  what to run; gets PLACE/blocks/NN.out and NN.code
#   PLACE/files         what lies in /srv, where the commands run
set -eu
place=$1 cli=$2
house=$(dirname "$(readlink -f "$0")")

ip link set lo up
mkdir -p "$place"/{etc,var-lib,bin}
cp -a /etc/. "$place/etc" 2>/dev/null || true
mount --bind "$place/etc" /etc
mount --bind "$place/var-lib" /var/lib
mount --bind "$place/files" /srv
mount -t tmpfs tmpfs /run
mkdir -p /etc/cstbox /etc/systemd/system /run/cstbox
# What a document calls its broker is this box.
grep -v example.org "$place/etc/hosts" >"$place/hosts" || true
printf '127.0.0.1 localhost broker.example.org broker-1.example.org\n' | cat - "$place/hosts" >/etc/hosts

# The bus of a CSTBox, and the file that tells where it is.
dbus-daemon --session --fork --nopidfile --nosyslog --address=unix:path=/run/cstbox/bus >/dev/null
echo "DBUS_SESSION_BUS_ADDRESS='unix:path=/run/cstbox/bus';" >/run/cstbox/cstbox-dbus
unset DBUS_SESSION_BUS_ADDRESS

export HOUSE_CLI=$cli HOUSE_BIN=$place/bin HOME=/srv NO_COLOR=1
export PATH=$place/bin:$house/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PATH=$PATH:$(dirname "$(readlink -f "$(command -v node || echo "$HOUSE_NODE")")")
cd /srv
for block in "$place"/blocks/*.sh; do
  code=0
  timeout 60 bash -e "$block" >"${block%.sh}.out" 2>&1 </dev/null || code=$?
  echo "$code" >"${block%.sh}.code"
done
