#!/bin/sh
# The trainer: derivatives, a run that learns and that goes on bit for bit where it stopped, the
# drawn world and the vocabulary the same each time, and a result that `clipc convert` takes.
set -u
build=${CLIPC_BUILD:-build}
train=$build/clipc-train
n=0 bad=0
check() { # check STATUS TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
if [ ! -x "$train" ]; then
    echo "ok 1 # SKIP no $train: it needs OpenBLAS and stb (apt-get install libopenblas-dev libstb-dev)"
    echo 1..1
    exit 0
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

$train check > "$tmp/check" 2>&1
check $? "derivatives of every tensor: $(tail -n 1 "$tmp/check")"

# ---- The drawn world -----------------------------------------------------------------------------
for i in 1 2; do
    $train draw --seed 77 --size 96 -o "$tmp/$i.ppm" > "$tmp/$i.txt"
done
cmp -s "$tmp/1.ppm" "$tmp/2.ppm" && cmp -s "$tmp/1.txt" "$tmp/2.txt"
check $? "a seed draws the same picture each time: $(cat "$tmp/1.txt")"
$train draw --seed 78 --size 96 -o "$tmp/3.ppm" > /dev/null
! cmp -s "$tmp/1.ppm" "$tmp/3.ppm"
check $? "another seed draws another picture"
[ "$(wc -c < "$tmp/1.ppm")" -eq $((3 * 96 * 96 + 13)) ]
check $? "the picture has the size asked for"
unknown=0
for seed in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    card=
    [ $seed -gt 14 ] && card=--card
    prompt=$($train draw $card --seed $seed --size 8 -o "$tmp/4.ppm")
    ls tests/images/"$(echo "${prompt#* }" | tr ' ' -)-$seed".* > /dev/null 2>&1 || unknown=$((unknown + 1))
    case $prompt in the\ *) prompt="${prompt#the } playing card" ;; *) prompt=${prompt#* } ;; esac
    grep -qxE "an? $prompt" tests/images/labels.txt || unknown=$((unknown + 1))
done
check $unknown "seeds 1 to 20 draw what tests/images says, each a prompt of labels.txt"
same=0
for shape in circle square triangle star heart diamond ring cross hexagon; do
    $train draw --seed 5 --colour yellow --shape $shape --size 64 -o "$tmp/s-$shape.ppm"
done > "$tmp/shapes"
[ "$(sort -u "$tmp/shapes" | grep -c yellow)" -eq 9 ] &&
    [ "$(cat "$tmp"/s-*.ppm | wc -c)" -eq $((9 * (3 * 64 * 64 + 13))) ] &&
    [ "$(cksum "$tmp"/s-*.ppm | cut -d' ' -f1 | sort -u | wc -l)" -eq 9 ] || same=1
check $same "nine shapes, nine pictures"

# ---- A small run, once in one piece and once in two -------------------------------------------------
# Bytes 48 to 55 of a checkpoint are the running mean of the loss.
loss() {
    od -A n -t f8 -j 48 -N 8 "$1" | tr -d ' '
}
small="--steps 30 --batch 16 --seed 3"
$train run --out "$tmp/once" $small --threads 2 > "$tmp/once.log" 2>&1
check $? "a run of 30 steps: $(grep -c '^step' "$tmp/once.log") lines of progress"
$train run --out "$tmp/twice" $small --threads 1 --stop-at 1 > /dev/null 2>&1
first=$(loss "$tmp/twice/checkpoint")
$train run --out "$tmp/twice" $small --threads 1 --stop-at 12 > /dev/null 2>&1
$train run --out "$tmp/twice" $small --threads 3 > /dev/null 2>&1
cmp "$tmp/once/checkpoint" "$tmp/twice/checkpoint" > "$tmp/cmp" 2>&1
check $? "stopped after steps 1 and 12 and resumed, with one and three threads for two: the same, bit for bit"
cmp -s "$tmp/once/hf/model.safetensors" "$tmp/twice/hf/model.safetensors"
check $? "and so is the exported model"
last=$(loss "$tmp/once/checkpoint")
awk "BEGIN { exit !($first > 2 && $last < 0.985 * $first) }"
check $? "the loss falls: $first at step 1, $last (running mean) at step 30"
cmp -s "$tmp/once/hf/vocab.json" "$tmp/twice/hf/vocab.json" &&
    cmp -s "$tmp/once/hf/merges.txt" "$tmp/twice/hf/merges.txt"
check $? "the vocabulary is the same each time"
$train run --out "$tmp/once" --steps 30 --batch 16 --seed 4 > /dev/null 2> "$tmp/error"
[ $? -ne 0 ] && [ -s "$tmp/error" ]
check $? "a checkpoint of another seed is refused: $(head -n 1 "$tmp/error" | sed "s|$tmp/||")"
$train run --out "$tmp/once" --steps 40 --batch 16 --seed 3 > /dev/null 2>&1
[ $? -ne 0 ]
check $? "so is one of a run of another length: its rates would be others"
dd if="$tmp/twice/checkpoint" of="$tmp/cut" bs=1000 count=100 2> /dev/null
cp "$tmp/cut" "$tmp/twice/checkpoint"
! $train run --out "$tmp/twice" $small > /dev/null 2>&1
check $? "a checkpoint cut short is refused"

# ---- A run that learns nothing ----------------------------------------------------------------------
# A gate asks at step 250 what the heads have learnt.  Bytes 16 to 23 of a checkpoint are the step: 249.
lost="--steps 300 --batch 2"
$train run --out "$tmp/lost" $lost --stop-at 1 > /dev/null 2>&1
printf '\371' | dd of="$tmp/lost/checkpoint" bs=1 seek=16 conv=notrunc 2> /dev/null
$train run --out "$tmp/lost" $lost > /dev/null 2> "$tmp/error"
[ $? -eq 1 ] && grep -q 'this run is lost: at step 250' "$tmp/error" && [ ! -e "$tmp/lost/hf" ]
check $? "a lost run stops itself: $(cut -c 1-100 "$tmp/error" | head -n 1)"

# ---- What comes out is a CLIPModel folder ------------------------------------------------------------
if $build/clipc convert "$tmp/once/hf" -o "$tmp/m.clipc" > "$tmp/convert" 2>&1; then
    check 0 "clipc convert takes the exported folder"
    # The start token, a token a word, the end token: what the trainer learnt merges to whole words.
    sed 's/.*/"&"/' tests/images/labels.txt | $build/clipc tokenize -m "$tmp/m.clipc" --json > "$tmp/ids"
    other=$(paste -d '|' tests/images/labels.txt "$tmp/ids" |
        awk -F '|' 'split($1, words, " ") + 2 != split($2, ids, ",")' | wc -l)
    ids=$(sort -u "$tmp/ids" | wc -l)
    [ "$ids" -eq 160 ] && [ "$other" -eq 0 ]
    check $? "each of the 160 prompts is a token a word, all different: $ids"
else
    check 1 "clipc convert takes the exported folder: $(tail -n 1 "$tmp/convert")"
fi
echo "1..$n"
exit $bad
