#!/bin/sh
# What `make demo` shows: the embedded model on the pictures of tests/images and tests/heldout.
clipc=${CLIPC:-build/clipc}
formats=$($clipc info --build --json | sed 's/.*"formats": "\([^"]*\)".*/\1/')
case $formats in
*JPEG*) ;;
*)
    echo "This build reads only $formats: install libjpeg-dev (or libstb-dev), then make again."
    exit 0
    ;;
esac
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
i=tests/images

cat <<END
The embedded model knows one small drawn world only: playing cards and coloured shapes on a background.
What a picture shows is in its file's name; the model sees only the pixels.

1. Which card, which shape?  Three pictures against 160 prompts, the three best of each.

END
$clipc classify $i/ace-of-spades-19.png $i/jack-of-hearts-15.png $i/red-cross-5.png \
    --labels $i/labels.txt --top 3 || exit 1

cat <<END
2. Is it in the frame?  Cosines of "an ace of spades playing card" with 24 pictures, the best eight.

END
$clipc classify $i/*.png $i/*.jpg --label "an ace of spades playing card" --scores --jsonl > "$tmp/frames" || exit 1
sed 's|.*"image": "[^"]*/\([^"]*\)".*"score": \([-0-9.]*\).*|\2 \1|' "$tmp/frames" | sort -rn | head -n 8 |
    awk '{ bar = ""; for (i = 0; i < $1 * 40; i++) bar = bar "#"; printf "   %6.3f  %-24s %s\n", $1, $2, bar }'

CLIPC=$clipc sh tests/heldout.sh > "$tmp/heldout" || exit 1
cat <<END

3. What is it good and bad at?  100 pictures of seeds that training never drew (tests/heldout):

   right  of      by chance
END
awk -F '\t' '
    BEGIN { say["cards"] = "1 in 52   cards, among the names of all 52"
            say["shapes"] = "1 in 108  shapes, among 12 colours x 9 shapes"
            say["empty"] = "1 in 161  empty backgrounds: \"nothing\", among all of these" }
    !($1 in all) { order[++groups] = $1 }
    { all[$1]++; right[$1] += $2 }
    END { for (i = 1; i <= groups; i++) {
            g = order[i]; printf "   %5d  %-6d  %s\n", right[g], all[g], say[g] } }' "$tmp/heldout"
echo
echo "   What it got wrong, the first three of each kind:"
awk -F '\t' '!$2 && seen[$1]++ < 3 { sub("tests/heldout/", "", $3)
    printf "   %-34s \"%s\"\n", $3, $5 }' "$tmp/heldout"
cat <<END
   It is useless for photographs, even of cards: nothing of that kind was in its training.

Your own picture of that world, or more of it (any card or shape, any seed):
    $clipc classify picture.png "an ace of spades playing card" "a red star" "nothing"
    make build/clipc-train && build/clipc-train draw --card --count 9 --captions 3 -o cards.png
For photographs, convert a real CLIP (any HuggingFace CLIPModel folder) and name it with -m:
    $clipc convert clip-vit-base-patch32/ -o vit-b-32.clipc
    $clipc classify photo.jpg "a photo of a cat" "a photo of a dog" -m vit-b-32.clipc
END
