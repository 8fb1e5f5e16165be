#!/bin/sh
# Private memory and start-up of ViT-B/32 in f16 with random weights: batch 8, pictures of one megapixel.
# usage: sh tests/memory.sh      (make first; writes build/memory)
set -eu
clipc=${CLIPC:-build/clipc}
mkdir -p build/memory
model=build/memory/b32.clipc
[ -f $model ] || $clipc convert --synthetic vit-b-32 --dtype f16 -o $model
i=0
while [ $i -lt 16 ]; do
    { printf 'P6\n1000 1000\n255\n'; head -c 3000000 /dev/urandom; } > build/memory/$i.ppm
    i=$((i + 1))
done
$clipc embed build/memory -m $model --npy build/memory/v.npy &
pid=$! most=0
while [ -r /proc/$pid/smaps_rollup ]; do
    anon=$(awk '/^Anonymous/ { print $2 }' /proc/$pid/smaps_rollup 2> /dev/null || echo 0)
    [ "${anon:-0}" -gt "$most" ] && most=$anon
    sleep 0.02
done
wait $pid
echo "private (anonymous) memory at most $most kB"
for n in 1 2 3 4 5; do
    start=$(date +%s%N)
    $clipc embed build/memory/0.ppm -m $model > /dev/null
    echo "one image, from process start to vector: $((($(date +%s%N) - start) / 1000000)) ms"
done
$clipc bench --whole -m $model | grep -E ' image |start'
