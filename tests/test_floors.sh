#!/bin/sh
# The structure: who includes whom, names of symbols, headers that stand alone, sizes, blanks.
build=${CLIPC_BUILD:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0
check() { # check WHAT: passes when $tmp/bad is empty
    n=$((n + 1))
    if [ ! -s "$tmp/bad" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/# /' "$tmp/bad" | head -n 20
        bad=1
    fi
}

# Floors: base 0, kernels 1, weights 2, model 3 (m) and inputs 3 (i), the public functions 4, tools 5.
floor() {
    case $1 in
    src/clipc.h | config.h) echo 0x ;;
    src/base.[ch] | src/output.[ch]) echo 0x ;;
    kernels/*) echo 1x ;;
    src/threads.[ch]) echo 1t ;;
    weights/*) echo 2x ;;
    src/transformer.[ch] | src/vision.[ch] | src/text.[ch]) echo 3m ;;
    src/clipc.c | src/session.[ch] | src/encode.c | src/model.h) echo 4x ;;
    src/*) echo 3i ;;
    *) echo 5x ;;
    esac
}
for f in src/*.[ch] kernels/*.[ch] weights/*.[ch]; do
    mine=$(floor "$f")
    sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f" | while read -r include; do
        path=$(dirname "$f")/$include
        case $include in config.h) path=config.h ;; esac
        path=$(echo "$path" | sed 's|[a-z]*/\.\./||')
        theirs=$(floor "$path")
        if [ "${theirs%?}" -gt "${mine%?}" ]; then
            echo "$f includes $path of a higher floor"
        fi
        case $mine$theirs in 3m3i | 3i3m) echo "$f includes $path: the two halves of floor 3 do not meet" ;; esac
        case $f$path in kernels/*threads.h | src/threads*kernels*) echo "$f knows of $path" ;; esac
    done
done > "$tmp/bad"
check "a file includes its own floor or a lower one"

# Without the library's own prefixes nothing may be visible to a program that links statically.
nm -g --defined-only "$build/libclipc.a" 2> /dev/null | awk 'NF == 3 { print $3 }' |
    grep -vE '^(clipc|session|base|arena|output|threads|kernels|pack|weights|validate|writer|sha256|golden|transformer|vision|text|tokenizer|bpe|clean|html|unicode|preprocess|resize|axis|image|exif|model|cpu)_|^(jpeg_scan|png_plain)' |
    grep -vE '^(__|_?asan|_?ubsan|__odr)' > "$tmp/bad"
check "symbols begin with their file's name"

for h in src/*.h weights/*.h tools/*.h kernels/kernels.h kernels/pack.h kernels/cpu.h; do
    case $h in tools/json.h) [ -f /usr/include/jansson.h ] || continue ;; esac
    ${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -I"$build" -fsyntax-only -x c "$h" 2> "$tmp/log" ||
        { echo "$h does not compile alone"; head -n 3 "$tmp/log"; }
done > "$tmp/bad"
check "each header compiles alone"

# What is made for a CPU or a system stands in a few files.
grep -nE '^ *# *(if|ifdef|ifndef|elif).*(__x86_64__|__aarch64__|__i386__|__linux__|__APPLE__|_WIN32|__AVX|__ARM)' \
    src/*.[ch] weights/*.[ch] tools/*.[ch] kernels/*.[ch] |
    grep -vE '^(kernels/(cpu|kernels|avx2|avx512|neon)\.c|src/(base|threads)\.c):' > "$tmp/bad"
check "#if for a CPU or a system only where it belongs"

grep -lE '^#.*HAVE_[A-Z]+' src/*.[ch] weights/*.[ch] kernels/*.[ch] | grep -vE '^(src/image|kernels/kernels)\.c$' > "$tmp/bad"
check "optional libraries are known to image.c and kernels.c only"

# 400 lines; the tables are data.
for f in src/*.[ch] kernels/*.[ch] weights/*.[ch] tools/*.[ch] tools/train/*.[ch]; do
    lines=$(wc -l < "$f")
    case $f in
    src/*_tables.c) ;;
    *) [ "$lines" -le 400 ] || echo "$f: $lines lines" ;;
    esac
done > "$tmp/bad"
check "files hold one idea (400 lines)"

awk 'FNR == 1 { open = 0 } /^\{/ { open = FNR } /^\}/ { if (open && FNR - open > 76) print FILENAME ": a function of " FNR - open " lines ends at " FNR; open = 0 }' \
    src/*.c kernels/*.c weights/*.c tools/*.c tools/train/*.c > "$tmp/bad"
check "functions fit on a screen"

grep -nE '[[:blank:]]+$' src/*.[ch] kernels/*.[ch] weights/*.[ch] tools/*.[ch] tools/train/*.[ch] tests/*.[ch] tests/*.sh Makefile > "$tmp/bad"
grep -nP '\t' src/*.[ch] kernels/*.[ch] weights/*.[ch] tools/*.[ch] tools/train/*.[ch] tests/*.[ch] >> "$tmp/bad"
for f in src/*.[ch] kernels/*.[ch] weights/*.[ch] tools/*.[ch] tools/train/*.[ch]; do
    awk -v f="$f" 'length($0) > 100 { print f ":" FNR ": " length($0) " columns" }' "$f"
    [ -n "$(tail -c 1 "$f")" ] && echo "$f: no end of line at the end"
done >> "$tmp/bad"
check "no trailing blanks, no tabs, lines of a screen's width, a final line end"

# The first pattern is spelled so that this line does not match itself.
grep -rnE '\.\./share[d]' --include='*' src kernels weights tools tests Makefile README.md 2> /dev/null | grep -v '^Binary' > "$tmp/bad"
check "nothing refers to a place outside the tree"
echo "1..$n"
exit $bad
