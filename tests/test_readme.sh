#!/bin/sh
# Every command of README.md's ```sh blocks that are marked "test" runs, in order, in a copy of the tree's
# root with the build at hand.
build=$(cd "${CLIPC_BUILD:-build}" && pwd)
root=$(pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
if [ ! -f weights/demo.clipc ]; then
    echo "ok 1 # SKIP no weights/demo.clipc (make train-demo)"
    echo 1..1
    exit 0
fi
mkdir "$tmp/clipc" && cd "$tmp/clipc" || exit 1
ln -s "$build" build
ln -s "$root/tests" tests
n=0 bad=0
awk '/^```sh test/ { on = 1; next } /^```/ { on = 0 } on' "$root/README.md" > "$tmp/commands"
while IFS= read -r line; do
    [ -n "$line" ] || continue
    n=$((n + 1))
    if PATH="$build:$PATH" sh -c "$line" > "$tmp/out" 2>&1; then
        echo "ok $n - $line"
    elif grep -q 'install lib.*build again' "$tmp/out"; then
        echo "ok $n # SKIP $line: $(grep -o 'this build .*' "$tmp/out" | head -n 1)"
    else
        echo "not ok $n - $line: $(tail -n 2 "$tmp/out" | tr '\n' ' ')"
        bad=1
    fi
done < "$tmp/commands"
# What the first screen shows of two PNG pictures is what comes out: labels and percentages.
shown() { # shown FILE PICTURE: its three labels and percentages
    sed -n "/^tests\/images\/$2 /,/^\$/p" "$1" | sed '1d; s/%.*/%/; s/  */ /g; /^$/d' | head -n 3
}
build/clipc classify tests/images/ace-of-spades-19.png tests/images/jack-of-hearts-15.png \
    --labels tests/images/labels.txt --top 3 > "$tmp/shown"
for picture in ace-of-spades-19.png jack-of-hearts-15.png; do
    n=$((n + 1))
    if [ -n "$(shown "$tmp/shown" $picture)" ] &&
        [ "$(shown "$tmp/shown" $picture)" = "$(shown "$root/README.md" $picture)" ]; then
        echo "ok $n - the first screen shows $picture as it comes out"
    else
        echo "not ok $n - the first screen shows $picture otherwise: $(shown "$tmp/shown" $picture)"
        bad=1
    fi
done
[ $n -gt 0 ] || { echo "not ok 1 - README.md has no commands to test"; n=1 bad=1; }
echo "1..$n"
exit $bad
