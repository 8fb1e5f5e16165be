#!/bin/sh
# The structure: who includes whom, names of symbols, headers that stand alone, sizes, blanks.
build=${CLIPC_BUILD:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 bad=0
library=$(ls src/*.[ch] src/*/*.[ch] kernels/*.[ch] weights/*.[ch])
rooms=$(ls tools/*.c tools/*/*.[ch])
sources="$library $rooms"
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

# Folder = floor.  A file includes its own folder or a lower floor; the three folders of floor 3 do not
# include one another.  src/clipc.h is the contract that all of them share.
floor() {
    case $1 in
    src/clipc.h | config.h) echo 0 ;;
    src/base/*) echo 0 ;;
    kernels/*) echo 1 ;;
    weights/*) echo 2 ;;
    src/model/* | src/token/* | src/image/*) echo 3 ;;
    src/*) echo 4 ;;
    tools/cli/* | tools/measure/* | tools/lazy/*) echo 5 ;;
    tools/convert/* | tools/pull/* | tools/server/* | tools/video/*) echo 6 ;;
    tools/verbs/*) echo 7 ;;
    *) echo 8 ;;
    esac
}
for f in $sources; do
    mine=$(floor "$f")
    sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f" | while read -r include; do
        case $include in
        config.h) continue ;;
        *) path=$(realpath -m --relative-to=. "$(dirname "$f")/$include") ;;
        esac
        theirs=$(floor "$path")
        if [ "$theirs" -gt "$mine" ]; then
            echo "$f includes $path of a higher floor"
        fi
        if [ "$mine$theirs" = 33 ] && [ "$(dirname "$f")" != "$(dirname "$path")" ]; then
            echo "$f includes $path: the folders of one floor do not meet"
        fi
        case $f$path in kernels/*threads.h | src/base/threads*kernels*) echo "$f knows of $path" ;; esac
    done
done > "$tmp/bad"
check "a file includes its own floor or a lower one"

# Without the library's own prefixes nothing may be visible to a program that links statically.
names=$(for f in $library; do basename "$f" | sed 's/\.[ch]$//'; done | sort -u | tr '\n' '|')
nm -g --defined-only "$build/libclipc.a" 2> /dev/null | awk 'NF == 3 { print $3 }' |
    grep -vE "^(${names}arena|model)_" |
    grep -vE '^jpeg_scan$|^(__|_?asan|_?ubsan|__odr)' > "$tmp/bad"
check "symbols begin with their file's name"

# Files of the library that call one another in a circle can only be understood together.  The list of
# kernel sets names them all, and one of them (blas) asks it for another.
nm -A $(for f in $library; do o=$build/${f%.c}.o; [ "$f" != "$o" ] && [ -f "$o" ] && echo "$o"; done) 2> /dev/null |
    awk '{ file = $1; sub(/:.*/, "", file) }
        $2 == "U" && !(file ~ /kernels\/kernels\.o$/ && $3 ~ /^kernels_/) { wants[file, $3] }
        $2 ~ /^[TDRBC]$/ { of[$3] = file }
        END { for (w in wants) { split(w, p, SUBSEP); if (p[2] in of && of[p[2]] != p[1]) print p[1], of[p[2]] } }' |
    sort -u > "$tmp/calls"
tsort "$tmp/calls" 2> "$tmp/bad" > /dev/null
[ "$(wc -l < "$tmp/calls")" -gt 100 ] || echo "only $(wc -l < "$tmp/calls") calls between files of $build" >> "$tmp/bad"
check "no files of the library call one another in a circle"

for f in $sources; do
    case $f in *_tables.c) continue ;; esac
    head -n 1 "$f" | grep -q "^/\* $(basename "$f") - [^ ]" || echo "$f: begins with $(head -n 1 "$f")"
done > "$tmp/bad"
check "each file begins by saying what it is"

for h in $sources; do
    case $h in
    kernels/kernels.h | kernels/pack.h | kernels/cpu.h) ;;
    kernels/* | tools/train/* | *.c) continue ;;
    tools/convert/json_read.h | tools/convert/vocab_added.h) [ -f /usr/include/jansson.h ] || continue ;;
    tools/lazy/ass.h) grep -q 'HAVE_ASS 1' "$build/config.h" || continue ;;
    tools/lazy/curl.h | tools/pull/http_transfer.h) grep -q 'HAVE_CURL 1' "$build/config.h" || continue ;;
    tools/lazy/microhttpd.h) grep -q 'HAVE_MHD 1' "$build/config.h" || continue ;;
    tools/server/*) grep -q 'HAVE_MHD 1' "$build/config.h" && grep -q 'HAVE_JANSSON 1' "$build/config.h" || continue ;;
    esac
    ${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -I"$build" -fsyntax-only -x c "$h" 2> "$tmp/log" ||
        { echo "$h does not compile alone"; head -n 3 "$tmp/log"; }
done > "$tmp/bad"
check "each header compiles alone"

# What is made for a CPU or a system stands in a few files.
grep -nE '^ *# *(if|ifdef|ifndef|elif).*(__x86_64__|__aarch64__|__i386__|__linux__|__APPLE__|_WIN32|__AVX|__ARM)' \
    $sources |
    grep -vE '^(kernels/(cpu|kernels|avx2|avxvnni|avx512|avx512vnni|avx512bf16|amx|neon|dotprod|neonbf16)\.c|src/base/(base|cpus|threads)\.c):' > "$tmp/bad"
check "#if for a CPU or a system only where it belongs"

grep -lE '^#.*HAVE_[A-Z]+' $library | grep -vE '^(src/image/image|kernels/kernels)\.c$' > "$tmp/bad"
check "optional libraries are known to image.c and kernels.c only"

# 400 lines; the tables are data.
for f in $sources; do
    lines=$(wc -l < "$f")
    case $f in
    src/token/*_tables.c) ;;
    *) [ "$lines" -le 400 ] || echo "$f: $lines lines" ;;
    esac
done > "$tmp/bad"
check "files hold one idea (400 lines)"

awk 'FNR == 1 { open = 0 } /^\{/ { open = FNR } /^\}/ { if (open && FNR - open > 76) print FILENAME ": a function of " FNR - open " lines ends at " FNR; open = 0 }' \
    $(echo "$sources" | tr ' ' '\n' | grep '\.c$') > "$tmp/bad"
check "functions fit on a screen"

grep -nE '[[:blank:]]+$' $sources tests/*.[ch] tests/*.sh Makefile > "$tmp/bad"
grep -nP '\t' $sources tests/*.[ch] >> "$tmp/bad"
for f in $sources; do
    awk -v f="$f" 'length($0) > 100 { print f ":" FNR ": " length($0) " columns" }' "$f"
    [ -n "$(tail -c 1 "$f")" ] && echo "$f: no end of line at the end"
done >> "$tmp/bad"
check "no trailing blanks, no tabs, lines of a screen's width, a final line end"

# The first pattern is spelled so that this line does not match itself.
grep -rnE '\.\./share[d]' --include='*' src kernels weights tools tests Makefile README.md 2> /dev/null | grep -v '^Binary' > "$tmp/bad"
check "nothing refers to a place outside the tree"
echo "1..$n"
exit $bad
