#!/bin/sh
# Every file of the fuzzers' corpora once more, through a plain main(): whatever they found stays found.
build=${CLIPC_BUILD:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cat > "$tmp/main.c" <<'END'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int main(int argc, char **argv)
{
    static uint8_t data[1 << 22];
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (f == NULL) {
            return 1;
        }
        size_t n = fread(data, 1, sizeof data, f);
        fclose(f);
        uint8_t *exact = malloc(n > 0 ? n : 1);
        for (size_t j = 0; j < n; j++) {
            exact[j] = data[j];
        }
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    return 0;
}
END
libs=$(grep -q 'HAVE_JPEG 1' "$build/config.h" && echo -ljpeg)
libs="$libs $(grep -q 'HAVE_WEBP 1' "$build/config.h" && echo -lwebp)"
libs="$libs $(grep -q 'HAVE_JANSSON 1' "$build/config.h" && echo -ljansson)"
libs="$libs $(grep -q 'HAVE_MHD 1' "$build/config.h" && echo -lmicrohttpd)"
libs="$libs $(grep -q 'HAVE_CURL 1' "$build/config.h" && echo -lcurl)"
libs="$libs $(grep -q 'HAVE_ASS 1' "$build/config.h" && echo -lass)"
flags=
[ "$build" = build/asan ] && flags=-fsanitize=address,undefined
[ "$build" = build/tsan ] && flags=-fsanitize=thread
n=0 bad=0
for f in tests/fuzz_*.c; do
    name=${f#tests/fuzz_}
    name=${name%.c}
    n=$((n + 1))
    case $name in
    checkpoint | config | pickle | sentencepiece | wordpiece)
        if ! grep -q 'HAVE_JANSSON 1' "$build/config.h"; then
            echo "ok $n # SKIP $name: built without jansson, and so without convert"
            continue
        fi
        ;;
    esac
    if [ "$name" = serve ] && ! grep -q 'HAVE_MHD 1' "$build/config.h"; then
        echo "ok $n # SKIP serve: built without libmicrohttpd"
        continue
    fi
    if ${CC:-cc} -std=c11 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L $flags -I"$build" "$f" "$tmp/main.c" \
        "$build/libtools.a" "$build/libclipc.a" $libs -lm -ldl -pthread -o "$tmp/replay" 2> "$tmp/log" &&
        timeout 120 "$tmp/replay" tests/corpus/"$name"/* >> "$tmp/log" 2>&1; then
        echo "ok $n - $name: $(ls tests/corpus/"$name" | wc -l) files"
    else
        echo "not ok $n - $name: $(tail -n 3 "$tmp/log" | tr '\n' ' ')"
        bad=1
    fi
done
echo "1..$n"
exit $bad
