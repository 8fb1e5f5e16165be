#!/bin/sh
# usage: sh tests/heldout.sh [FILE.clipc]
# The model (else the embedded one) on the pictures of tests/heldout; one line for each, tabs between:
# group, 1 or 0, file, the prompt that is right, the prompt that scored best.
#   cards    among the names of all 52
#   shapes   among all 108 of colour and shape
#   empty    nothing, among all of these
set -u
clipc=${CLIPC:-${CLIPC_BUILD:-build}/clipc}
model=${1:-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# ask GROUP LABELS: what is right is in the file's name, "a/red-ring-7.jpg"
ask() {
    "$clipc" classify ${model:+-m "$model"} --labels "$2" --top 1 --jsonl tests/heldout/"$1"/*.jpg |
        sed 's|^{"image": "\([^"]*\)", "labels": \[{"label": "\([^"]*\)".*|\1\t\2|' |
        awk -F '\t' -v group="$1" '{
            right = $1
            gsub(/.*\/|-[0-9]*[.][a-z]*$/, "", right)
            gsub("-", " ", right)
            if (group != "empty")
                right = (right ~ /^[aeiou]/ ? "an " : "a ") right
            if (group == "cards")
                right = right " playing card"
            printf "%s\t%d\t%s\t%s\t%s\n", group, right == $2, $1, right, $2
        }'
}
head -n 108 tests/images/labels.txt > "$tmp/shapes"
grep card tests/images/labels.txt > "$tmp/cards"
ask cards "$tmp/cards"
ask shapes "$tmp/shapes"
{ cat tests/images/labels.txt; echo nothing; } > "$tmp/all"
ask empty "$tmp/all"
