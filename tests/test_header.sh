#!/bin/sh
# The example at the head of clipc.h: compiled as C99 and as C++, and run.
build=${CLIPC_BUILD:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0
check() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
sed -n '/#include <stdio.h>/,/^ \*     }$/s/^ \*  \{0,4\}//p' src/clipc.h > "$tmp/example.c"
grep -q 'clipc_encode_images' "$tmp/example.c"
check $? "the example is there"
libs=$(grep -q 'HAVE_JPEG 1' "$build/config.h" && echo -ljpeg)
libs="$libs $(grep -q 'HAVE_WEBP 1' "$build/config.h" && echo -lwebp)"
flags=
[ "$build" = build/asan ] && flags=-fsanitize=address,undefined
[ "$build" = build/tsan ] && flags=-fsanitize=thread
${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror $flags -Isrc "$tmp/example.c" "$build/libclipc.a" $libs \
    -lm -ldl -pthread -o "$tmp/example" 2> "$tmp/log"
check $? "it compiles as C99 $(head -n 3 "$tmp/log")"
if command -v "${CXX:-c++}" > /dev/null 2>&1; then
    echo '#include "clipc.h"
int main() { return clipc_version() == 0; }' > "$tmp/plus.cc"
    ${CXX:-c++} -Wall -Wextra -Wpedantic -Werror $flags -Isrc "$tmp/plus.cc" "$build/libclipc.a" $libs -lm -ldl \
        -pthread -o "$tmp/plus" 2> "$tmp/log"
    check $? "the header is C++ too $(head -n 3 "$tmp/log")"
else
    n=$((n + 1))
    echo "ok $n # SKIP no C++ compiler (apt-get install g++)"
fi
${CC:-cc} -std=c99 $flags -Isrc "$tmp/example.c" "$build/libclipc.so" -Wl,-rpath,"$(realpath "$build")" \
    -o "$tmp/shared" 2> "$tmp/log" && "$tmp/shared" 2> "$tmp/out"
[ $? -eq 1 ] && grep -q 'usage: MODEL IMAGE' "$tmp/out"
check $? "linked to the .so it starts in the build folder $(head -n 3 "$tmp/log" "$tmp/out" 2> /dev/null | tail -n 1)"
printf 'P6\n2 2\n255\nabcdefghijkl' > "$tmp/p.ppm"
if [ -f weights/demo.clipc ]; then
    "$tmp/example" weights/demo.clipc "$tmp/p.ppm" > "$tmp/out" 2>&1
    [ $? -eq 0 ] && grep -qE '^-?[01]\.[0-9]{4}$' "$tmp/out"
    check $? "it prints a cosine: $(cat "$tmp/out")"
else
    n=$((n + 1))
    echo "ok $n # SKIP no weights/demo.clipc (make train-demo)"
fi
"$tmp/example" README.md "$tmp/p.ppm" > "$tmp/out" 2>&1
[ $? -eq 1 ] && grep -q 'not a clipc weight file' "$tmp/out"
check $? "and an error: $(cat "$tmp/out")"
echo "1..$n"
exit $bad
