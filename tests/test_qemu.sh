#!/bin/sh
# Other CPUs by emulation: AArch64 (NEON), and x86 without AVX-512, without AVX2, without any AVX.
build=${CLIPC_BUILD:-build}
tmp=$build/qemu
n=0 bad=0
check() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
skip() {
    n=$((n + 1))
    echo "ok $n # SKIP $1"
}
# A run's own checks: all there, none failed.
good() {
    grep -qE '^1\.\.[0-9]+$' "$1" && ! grep -q '^not ok' "$1"
}
mini() { # mini PROGRAM KERNELS PRECISION: vectors of the small golden model, against the native ones
    $1 embed -m "$tmp/mini.clipc" --pixels tests/golden/mini/pixels.npy --npy "$tmp/q.npy" --kernels "$2" --precision "$3" &&
        $1 embed -m "$tmp/mini.clipc" --tokens tests/golden/mini/tokens.npy --npy "$tmp/r.npy" --kernels "$2" --precision "$3" &&
        "$python" "$tmp/compare.py" "$3" "$tmp/q.npy" "$tmp/r.npy"
}
mkdir -p "$tmp"
rm -f "$tmp/mini.clipc"
"$build/clipc" convert tests/golden/mini -o "$tmp/mini.clipc" 2> /dev/null
cat > "$tmp/compare.py" <<'END'
import sys
import numpy as np
most, angle = {"exact": (1e-5, 1e-9), "fast": (1, 2e-4)}[sys.argv[1]]
for got, want in ((sys.argv[2], "image"), (sys.argv[3], "text")):
    a, b = np.load(got).astype(float), np.load("tests/golden/mini/%s_embed.npy" % want).astype(float)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    d = a - b
    if not (abs(d).max() <= most and ((d * d).sum(1) / 2).max() <= angle):
        sys.exit("%s differs by %g" % (want, abs(d).max()))
END
python=
for p in /usr/bin/python3 python3; do
    "$p" -c 'import numpy' 2> /dev/null && python=$p && break
done

cross=aarch64-linux-gnu-gcc
if ! command -v $cross > /dev/null 2>&1 || ! command -v qemu-aarch64-static > /dev/null 2>&1; then
    skip "AArch64: no $cross or no qemu-aarch64-static (apt-get install gcc-aarch64-linux-gnu qemu-user-static)"
else
    make -s B="$tmp/arm" CC=$cross OPTIONAL=none LDFLAGS=-static "$tmp/arm/clipc" \
        "$tmp/arm/tests/test_kernels" "$tmp/arm/tests/test_q8" "$tmp/arm/tests/test_bf16" > "$tmp/log" 2>&1
    check $? "the cross build for AArch64 $(grep -E 'error' "$tmp/log" | head -n 2)"
    qemu-aarch64-static "$tmp/arm/tests/test_kernels" > "$tmp/kernels" 2>&1
    good "$tmp/kernels" && grep -q 'neon-f32 gemm' "$tmp/kernels" && grep -q 'neonbf16-bf16 gemm' "$tmp/kernels"
    check $? "NEON and scalar kernels against double: $(grep -c '^ok' "$tmp/kernels") checks $(grep '^not ok' "$tmp/kernels" | head -n 3)"
    for cpu in max cortex-a72; do
        qemu-aarch64-static -cpu $cpu "$tmp/arm/tests/test_q8" > "$tmp/q8" 2>&1
        case $cpu in max) sets='emulated neonbf16 dotprod neon scalar ' ;; *) sets='emulated neon scalar ' ;; esac
        good "$tmp/q8" &&
            [ "$(sed -n 's/^ok [0-9]* - \([a-z0-9]*\) int8.*/\1/p' "$tmp/q8" | uniq | tr '\n' ' ')" = "$sets" ]
        check $? "int8 on $cpu: $(grep -c '^ok .* int8' "$tmp/q8") checks"
    done
    qemu-aarch64-static "$tmp/arm/tests/test_bf16" > "$tmp/bf16" 2>&1
    good "$tmp/bf16" && grep -q '^ok .*neonbf16-bf16' "$tmp/bf16"
    check $? "bfloat16 products: $(grep -c '^ok .*neonbf16-bf16' "$tmp/bf16") checks"
    qemu-aarch64-static "$tmp/arm/clipc" info --build | grep -q 'neonbf16 dotprod neon scalar'
    check $? "neonbf16, dotprod and NEON are the best sets there"
    if ! [ -f "$tmp/mini.clipc" ]; then
        skip "golden vectors on NEON: built without jansson, and so without convert"
    elif [ -n "$python" ]; then
        mini "qemu-aarch64-static $tmp/arm/clipc" neon exact
        check $? "golden vectors on NEON"
        mini "qemu-aarch64-static $tmp/arm/clipc" neonbf16 fast > "$tmp/out" 2>&1 && ! grep -q 'computes exactly' "$tmp/out"
        check $? "golden vectors, fast, by bfloat16 products $(head -n 2 "$tmp/out")"
    else
        skip "no python3 with numpy to compare golden vectors on NEON"
    fi
fi

case $(${CC:-cc} -dumpmachine) in
x86_64*) ;;
*) skip "lesser x86 CPUs: this is none"; echo "1..$n"; exit $bad ;;
esac
if ! command -v qemu-x86_64-static > /dev/null 2>&1; then
    skip "lesser x86 CPUs: no qemu-x86_64-static (apt-get install qemu-user-static)"
else
    make -s B="$tmp/x86" OPTIONAL=none LDFLAGS=-static "$tmp/x86/clipc" "$tmp/x86/tests/test_kernels" \
        > "$tmp/log" 2>&1
    check $? "a static x86 build"
    small=$tmp/mini.clipc
    [ -f "$small" ] || small= # built without convert: the embedded model
    for cpu in Nehalem:scalar max,-avx2:scalar Haswell,-fma:scalar Haswell:avx2; do
        best=${cpu#*:} cpu=${cpu%:*}
        qemu-x86_64-static -cpu "$cpu" "$tmp/x86/clipc" selftest $small > "$tmp/out" 2>&1
        status=$?
        first=$(grep -E ' ok$' "$tmp/out" | awk 'NR == 1 { print $1 }')
        [ $status -eq 0 ] && [ "$first" = $best ]
        check $? "on $cpu the best set is $best, and exact: '$first'"
    done
    CLIPC_CHECK_UNGUARDED=1 qemu-x86_64-static -cpu Haswell "$tmp/x86/tests/test_kernels" > "$tmp/kernels" 2>&1
    good "$tmp/kernels"
    check $? "AVX2 kernels on Haswell: $(grep -c '^ok' "$tmp/kernels") checks"
fi
echo "1..$n"
exit $bad
