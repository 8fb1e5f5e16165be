#!/bin/sh
# The README's two commands on a bare Debian 12 with nothing but git: debootstrap into a folder, clone
# the committed tree into it, run both there.  Needs root, debootstrap and a Debian mirror (taken
# from this machine's apt configuration, with its proxy and certificates).
#
# usage: sh tests/chroot.sh [FOLDER]        (default build/chroot; some 1.5 GB)
set -eu
folder=${1:-$PWD/build/chroot}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null |
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' | head -n 1)
rm -rf "$folder"
mkdir -p "$folder"
debootstrap --variant=minbase --include=git,ca-certificates bookworm "$folder" "$mirror" > "$folder.log" 2>&1
cp -rL /etc/apt/sources.list* "$folder/etc/apt/" 2> /dev/null || true
cp -rL /etc/apt/apt.conf.d/. "$folder/etc/apt/apt.conf.d/" 2> /dev/null || true
cp -rL /etc/ssl/certs/. "$folder/etc/ssl/certs/" 2> /dev/null || true
cp /etc/resolv.conf /etc/hosts "$folder/etc/" 2> /dev/null || true
mkdir -p "$folder/root"
git clone -q --no-hardlinks . "$folder/root/clipc"
mount -t proc proc "$folder/proc"
mount --bind /dev "$folder/dev"
trap 'umount "$folder/proc" "$folder/dev"' EXIT
echo "== bare: $(chroot "$folder" dpkg-query -f '.\n' -W | wc -l) packages, $(du -smx "$folder" | cut -f1) MB"
for what in demo test; do
    start=$(date +%s)
    echo "== sh tools/setup $what"
    chroot "$folder" sh -c "cd /root/clipc && HOME=/root sh tools/setup $what" > "$folder.$what" 2>&1 || status=$?
    tail -n 12 "$folder.$what"
    echo "== $what took $(($(date +%s) - start)) s, exit ${status:-0};" \
        "$(chroot "$folder" dpkg-query -f '.\n' -W | wc -l) packages, $(du -smx "$folder" | cut -f1) MB"
    [ "${status:-0}" -eq 0 ]
done
