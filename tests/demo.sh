#!/bin/sh
# What `make demo` shows: the embedded model on the pictures of tests/images.
clipc=${CLIPC:-build/clipc}
set -- tests/images/*.png tests/images/*.jpg
formats=$($clipc info --build --json | sed 's/.*"formats": "\([^"]*\)".*/\1/')
case $formats in
*PNG*) ;;
*)
    echo "This build reads only $formats: install libstb-dev (and libjpeg-dev), then make again."
    exit 0
    ;;
esac
echo "Each picture against 108 prompts, \"a red circle\" to \"a cyan hexagon\", with the embedded model"
echo "(it knows only this drawn world); the three best, and the time for one image.  What a picture"
echo "shows is in its file's name:"
echo
$clipc classify "$@" --labels tests/images/labels.txt --top 3 || exit 1
cat <<END
Now your own picture, of one coloured shape:
    $clipc classify picture.png "a red circle" "a blue star" "a green heart"
For photographs, convert a real CLIP (any HuggingFace CLIPModel folder) and name it with -m:
    $clipc convert clip-vit-base-patch32/ -o vit-b-32.clipc
    $clipc classify photo.jpg "a photo of a cat" "a photo of a dog" -m vit-b-32.clipc
END
