#!/bin/sh
# Builds: without any optional library, the core library alone, and both compilers without a warning.
build=${CLIPC_BUILD:-build}
tmp=$build/test_build
rm -rf "$tmp"
mkdir -p "$tmp"
n=0 bad=0
check() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
# A system without inotify, which no package adds either.
cat > "$tmp/cc" <<'END'
#!/bin/sh
for file; do
    case $file in *.c) ! grep -q 'sys/inotify' "$file" || { echo "$file: error: no sys/inotify.h"; exit 1; } ;; esac
done
exec cc "$@"
END
chmod +x "$tmp/cc"
make -s B="$tmp/none" CC="$(cd "$tmp" && pwd)/cc" OPTIONAL=none "$tmp/none/clipc" > "$tmp/log" 2>&1
check $? "make OPTIONAL=none builds where there is no inotify $(grep -i error "$tmp/log" | head -n 2)"
grep -q 'libstb-dev' "$tmp/log"
check $? "and says in one line what is missing: $(grep '^clipc: built' "$tmp/log" | cut -c1-60)..."
! grep -q 'warning' "$tmp/log"
check $? "without a warning"
"$tmp/none/clipc" convert x -o y 2>&1 | grep -q libjansson-dev
check $? "convert without jansson names the package"
"$tmp/none/clipc" pull o/mini 2>&1 | grep -q libcurl4-openssl-dev && "$tmp/none/clipc" pull --list | grep -q vit-b-32
check $? "pull without libcurl names the package, and lists the models"
printf 'P6\n9 9\n255\n' > "$tmp/p.ppm"
head -c 243 /dev/zero >> "$tmp/p.ppm"
if [ -f weights/demo.clipc ]; then
    "$tmp/none/clipc" classify "$tmp/p.ppm" "a red circle" "a black square" > /dev/null
    check $? "a PNM is classified"
    # An event's frame is a PNG that the PNG decoder, which knows nothing of its writer, reads.
    printf 'P6\n301 87\n255\n' > "$tmp/p.ppm"
    head -c 78561 /dev/urandom >> "$tmp/p.ppm"
    "$tmp/none/clipc" watch "$tmp/p.ppm" x --threshold -1 --save-frames "$tmp/kept" > /dev/null
    for picture in "$tmp/p.ppm" "$tmp"/kept/p.ppm_*.png; do
        "$tmp/none/clipc" preprocess "$picture" --stage crop --npy "$tmp/crop.npy" && cat "$tmp/crop.npy"
    done > "$tmp/crops"
    [ "$(wc -c < "$tmp/crops")" -gt 1000 ] && n_bytes=$(($(wc -c < "$tmp/crops") / 2)) &&
        [ "$(head -c $n_bytes "$tmp/crops" | cksum)" = "$(tail -c $n_bytes "$tmp/crops" | cksum)" ]
    check $? "--save-frames without libjpeg: a PNG of the frame's pixels"
    "$tmp/none/clipc" watch "$tmp/p.ppm" x --threshold 1 --webhook http://a/ 2>&1 | grep -q libcurl4-openssl-dev
    check $? "--webhook without libcurl names the package"
    "$tmp/none/clipc" watch "$tmp" x > /dev/null 2> "$tmp/log"
    [ $? -eq 1 ] && grep -q inotify "$tmp/log"
    check $? "a folder without inotify: $(head -n 1 "$tmp/log")"
fi
if [ -f weights/demo.clipc ]; then
    "$tmp/none/clipc" watch "$tmp/p.ppm" "a red circle" -o "$tmp/film.mp4" 2> "$tmp/log" > /dev/null
    [ $? -eq 1 ] && [ ! -e "$tmp/film.mp4" ] && grep -qE 'libass-dev|ffmpeg' "$tmp/log"
    check $? "a film without libass names the package: $(head -n 1 "$tmp/log")"
fi
formats=$("$tmp/none/clipc" info --build | sed -n 's/^ *images *//p')
case $formats in *JPEG* | *WebP*) false ;; *PNG*PNM*) true ;; *) false ;; esac
check $? "info --build says what is left: $formats"
make -s B="$tmp/core" OPTIONAL=none "$tmp/core/libclipc.so" > "$tmp/log" 2>&1
ldd "$tmp/core/libclipc.so" | grep -vE 'linux-vdso|libc\.so|libm\.so|ld-linux|libpthread|libdl' > "$tmp/needs"
[ ! -s "$tmp/needs" ]
check $? "the core library needs libc and libm only $(cat "$tmp/needs")"
nm -D --defined-only "$tmp/core/libclipc.so" | awk '{print $3}' | grep -v '^clipc_' > "$tmp/symbols"
[ ! -s "$tmp/symbols" ]
check $? "and shows only clipc_ symbols $(head -n 3 "$tmp/symbols")"
if command -v clang > /dev/null 2>&1; then
    make -s B="$tmp/clang" CC=clang "$tmp/clang/clipc" > "$tmp/log" 2>&1
    check $? "clang builds it $(grep -i error "$tmp/log" | head -n 2)"
    ! grep -q 'warning' "$tmp/log"
    check $? "without a warning $(grep warning "$tmp/log" | head -n 2)"
else
    n=$((n + 1))
    echo "ok $n # SKIP no clang (apt-get install clang)"
fi
rm -rf "$tmp"
echo "1..$n"
exit $bad
