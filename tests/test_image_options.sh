#!/bin/sh
# --truncated and --max-pixels on every verb that reads images: what was refused is taken, and what
# is too large is refused, by its limit.
clipc=${CLIPC_BUILD:-build}/clipc
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0
check() { # check STATUS TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
{
    printf 'P5 8 8 255\n'
    head -c 40 /dev/zero
} > "$tmp/cut.pgm"
{
    printf 'P5 8 8 255\n'
    head -c 64 /dev/zero
} > "$tmp/whole.pgm"
run() { # run VERB IMAGE [OPTION...]
    verb=$1 image=$2
    shift 2
    case $verb in
    embed) $clipc embed "$image" --jsonl "$@" ;;
    classify) $clipc classify "$image" "a red circle" "a blue star" "$@" ;;
    compare) $clipc compare "$image" "$image" "$@" ;;
    preprocess) $clipc preprocess "$image" --npy "$tmp/out.npy" "$@" ;;
    trace) $clipc trace --image "$image" "$@" ;;
    esac > "$tmp/out" 2> "$tmp/error"
}
for verb in embed classify compare preprocess trace; do
    run $verb "$tmp/cut.pgm"
    [ $? -eq 1 ] && grep -q 'truncated PNM: 64 bytes of pixels, 40 there' "$tmp/error"
    check $? "$verb refuses a cut image"
    run $verb "$tmp/cut.pgm" --truncated
    check $? "$verb --truncated takes it $(cat "$tmp/error")"
    run $verb "$tmp/whole.pgm" --max-pixels 63
    [ $? -eq 1 ] && grep -q '8 x 8 pixels: the limits are 65535 a side and 63 in all' "$tmp/error"
    check $? "$verb --max-pixels 63 refuses 64 pixels"
    run $verb "$tmp/whole.pgm" --max-pixels 64
    check $? "$verb --max-pixels 64 takes them $(cat "$tmp/error")"
done
# Rows 0 to 4 are black, 5 to 7 gray: squares of 8 are the pixels themselves.
$clipc preprocess "$tmp/cut.pgm" --truncated --stage crop --size 8 --npy "$tmp/crop.npy" &&
    [ "$(tail -c 192 "$tmp/crop.npy" | od -An -v -tu1 | tr -s ' \n' '\n' | grep -c '^0$')" -eq 120 ] &&
    [ "$(tail -c 192 "$tmp/crop.npy" | od -An -v -tu1 | tr -s ' \n' '\n' | grep -c '^128$')" -eq 72 ]
check $? "what is there, gray elsewhere"
echo "1..$n"
exit $bad
