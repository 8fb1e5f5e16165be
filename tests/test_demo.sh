#!/bin/sh
# The demo model on pictures it never saw: two of each of the 108 colour x shape prompts, drawn 160
# wide, and the pictures of tests/images.  One in 108 would be right by chance.
set -u
build=${CLIPC_BUILD:-build}
labels=tests/images/labels.txt
skip() {
    echo "ok 1 # SKIP $1"
    echo 1..1
    exit 0
}
[ -f weights/demo.clipc ] || skip "no weights/demo.clipc (make train-demo)"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0
check() { # check STATUS TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}

# The file's name (a/blue-heart-7.ppm) against the first label, one record a line.
score() {
    sed 's|.*"image": "\([^"]*\)", "labels": \[{"label": "an* \([^"]*\)".*|\1 \2|' "$1" |
        awk '{ name = $1; sub(".*/", "", name); sub("-[0-9]*[.].*", "", name)
               right += name == $2 "-" $3 } END { print right + 0 }'
}

$build/clipc classify tests/images/*.png --labels $labels --top 1 --jsonl > "$tmp/own" 2> "$tmp/error"
status=$?
if grep -q 'JPEG' "$tmp/error" || ! $build/clipc info --build 2> /dev/null | grep -qi 'jpeg\|stb'; then
    n=$((n + 1))
    echo "ok $n # SKIP tests/images: this build reads no PNG or JPEG"
else
    $build/clipc classify tests/images/*.jpg --labels $labels --top 1 --jsonl >> "$tmp/own" || status=1
    right=$(score "$tmp/own")
    [ $status -eq 0 ] && [ "$(wc -l < "$tmp/own")" -eq 14 ] && [ "$right" -ge 12 ]
    check $? "tests/images: $right of 14 right (at least 12 wanted)"
fi

if [ ! -x "$build/clipc-train" ]; then
    n=$((n + 1))
    echo "ok $n # SKIP no $build/clipc-train to draw unseen pictures: it needs OpenBLAS"
else
    mkdir "$tmp/p"
    i=0
    while [ $i -lt 216 ]; do
        name=$("$build/clipc-train" draw --seed $((5000 + i)) --colour $((i % 108 / 9)) \
            --shape $((i % 9)) --size 160 -o "$tmp/p.ppm") || break
        name=${name#* }
        mv "$tmp/p.ppm" "$tmp/p/${name% *}-${name#* }-$i.ppm"
        i=$((i + 1))
    done
    $build/clipc classify "$tmp/p" --labels $labels --top 1 --jsonl > "$tmp/unseen"
    status=$?
    right=$(score "$tmp/unseen")
    [ $status -eq 0 ] && [ "$(wc -l < "$tmp/unseen")" -eq 216 ] && [ "$right" -ge 195 ]
    check $? "216 unseen pictures: $right right (90 %, 195, wanted)"
fi
echo "1..$n"
exit $bad
