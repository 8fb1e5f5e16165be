#!/bin/sh
# The README's two commands on a bare Debian 12 with nothing but git: debootstrap into a folder, clone
# the committed tree into it, run both there.  Needs root, debootstrap (apt-get install debootstrap) and
# the Debian mirror of this machine's apt configuration, which is used with its proxy and certificates.
#
# usage: sh tests/chroot.sh [FOLDER]        (default build/chroot; some 1.7 GB)
set -eu
folder=${1:-$PWD/build/chroot}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
fail() {
    echo "chroot: $1"
    exit 1
}
[ "$(id -u)" = 0 ] || fail "this needs root"
command -v debootstrap > /dev/null 2>&1 || fail "no debootstrap (apt-get install debootstrap)"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null |
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' |
    grep -E '/debian/?$' | head -n 1)
[ -n "$mirror" ] || fail "no Debian mirror in /etc/apt"

# What is mounted in the folder, innermost first; nothing of it may be there when the folder is emptied.
release() {
    for place in "$folder/dev/pts" "$folder/dev" "$folder/proc"; do
        while grep -qs " $place " /proc/mounts && umount "$place"; do :; done
    done
}
release
grep -qs " $folder/" /proc/mounts && fail "something is mounted in $folder"
rm -rf "$folder"
mkdir -p "$folder"
trap release EXIT
trap 'exit 1' INT TERM HUP

debootstrap --variant=minbase --include=git,ca-certificates bookworm "$folder" "$mirror" > "$folder.log" 2>&1 ||
    { tail -n 5 "$folder.log"; fail "debootstrap failed ($folder.log)"; }
printf 'deb %s bookworm main\ndeb %s bookworm-updates main\n' "$mirror" "$mirror" > "$folder/etc/apt/sources.list"
cp -rL /etc/apt/apt.conf.d/. "$folder/etc/apt/apt.conf.d/" 2> /dev/null || true
cp -rL /etc/ssl/certs/. "$folder/etc/ssl/certs/" 2> /dev/null || true
cp /etc/resolv.conf /etc/hosts "$folder/etc/" 2> /dev/null || true
mkdir -p "$folder/root"
git clone -q --no-hardlinks . "$folder/root/clipc"
mount -t proc proc "$folder/proc"
mount --bind /dev "$folder/dev"
mount --bind /dev/pts "$folder/dev/pts" # tests ask for a terminal
size() {
    echo "$(chroot "$folder" dpkg-query -f '.\n' -W | wc -l) packages, $(du -smx "$folder" | cut -f1) MB"
}
echo "== bare: $(size)"
for what in demo test; do
    start=$(date +%s)
    status=0
    echo "== sh tools/setup $what"
    chroot "$folder" sh -c "cd /root/clipc && HOME=/root sh tools/setup $what" > "$folder.$what" 2>&1 || status=$?
    tail -n 12 "$folder.$what"
    echo "== $what took $(($(date +%s) - start)) s, exit $status; $(size)"
    [ "$status" -eq 0 ] || fail "sh tools/setup $what ended with $status ($folder.$what)"
done
