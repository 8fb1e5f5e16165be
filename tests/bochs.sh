#!/bin/sh
# The kernel sets of AVX-512, VNNI, BF16 and AMX on a CPU that Bochs emulates: every kernel against
# double, int8 bit for bit, the vectors of the small golden model.  Bochs starts a kernel of ours
# (tests/bochs/kernel.c) from a CD image, which runs one static program and stops the machine.
# Bochs 3.0 (Debian 13) has a Sapphire Rapids with all of them, 2.7 (Debian 12) a Tiger Lake without
# AVX-VNNI, BF16 and AMX.  The emulator is some hundred times slower than a CPU: minutes.
#
# usage: sh tests/bochs.sh [PROGRAM [ARGUMENT...]]     without PROGRAM: the tests, as TAP
# A PROGRAM is a static one; $EMULATED_FILES names what it may read, by the same paths (no blanks).
# $BOCHS is another Bochs, $EMULATED_CPU another of its CPUs (bochs -help cpu), $EMULATED_LIMIT the
# seconds one program may take (3600).
set -u
build=${CLIPC_BUILD:-build}
cc=${CC:-cc}
bochs=${BOCHS:-bochs}
limit=${EMULATED_LIMIT:-3600}
fail() {
    echo "Bail out! $1"
    exit 1
}
first() { # first FILE...: the first that there is
    for f in "$@"; do
        [ -e "$f" ] && echo "$f" && return
    done
}
missing() {
    fail "no $1 (sh tools/setup emulated, or apt-get install $2)"
}
case $($cc -dumpmachine) in x86_64*) ;; *) fail "the programs are built for x86-64, and this is none" ;; esac
command -v "$bochs" > /dev/null 2>&1 || missing "$bochs" bochs
command -v xorriso > /dev/null 2>&1 || missing xorriso xorriso
bios=$(first "${BXSHARE:-/usr/share/bochs}/BIOS-bochs-latest")
[ -n "$bios" ] || missing "BIOS of Bochs" bochsbios
vga=$(first /usr/share/vgabios/vgabios.bin /usr/share/seabios/vgabios-stdvga.bin)
[ -n "$vga" ] || missing "BIOS of a VGA card" vgabios
isolinux=$(first /usr/lib/ISOLINUX/isolinux.bin)
[ -n "$isolinux" ] || missing isolinux.bin isolinux
modules=/usr/lib/syslinux/modules/bios
[ -e $modules/mboot.c32 ] || missing mboot.c32 syslinux-common

mkdir -p "$build"
tmp=$(mktemp -d "$build/bochs.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP

flags="-std=gnu11 -O1 -Wall -Wextra -Wpedantic -Wshadow -ffreestanding -fno-builtin -fno-pic
    -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -mno-red-zone -mgeneral-regs-only"
for f in start.S kernel.c calls.c; do
    # shellcheck disable=SC2086
    $cc $flags -c tests/bochs/$f -o "$tmp/$f.o" || fail "$f does not compile"
done
ld -N -Ttext=0x100000 --build-id=none -o "$tmp/kernel" "$tmp"/*.S.o "$tmp"/*.c.o 2> "$tmp/log" ||
    { cat "$tmp/log"; fail "the kernel does not link"; }
objcopy -O elf32-i386 "$tmp/kernel" "$tmp/kernel32" || fail "no objcopy" # all that Multiboot loads

cpus=$("$bochs" -help cpu 2>&1)
cpu=${EMULATED_CPU:-}
for c in sapphire_rapids tigerlake corei7_icelake_u corei7_skylake_x; do
    [ -n "$cpu" ] || ! echo "$cpus" | grep -qx "$c" || cpu=$c
done
[ -n "$cpu" ] || fail "this $bochs has no CPU with AVX-512: version 2.7 or newer has"

settings() { # settings DISPLAY BIOS IMAGE
    cat << END
config_interface: textconfig
display_library: $1
cpu: model=$cpu, count=1, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=512, host=512
romimage: file=$2
vgaromimage: file=$vga
ata0-master: type=cdrom, path=$3, status=inserted
boot: cdrom
clock: sync=none
port_e9_hack: enabled=1
log: $tmp/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
END
}
# Which display needs no screen differs by how Bochs was built (rfb waits for a viewer on port 5900, and
# goes on without).  It asks for the BIOS after the display.
display=
for d in nogui 'rfb, options="timeout=0"'; do # without the plugin for it some versions crash
    settings "$d" "$tmp/none" "$tmp/none" > "$tmp/rc"
    { echo c | timeout 60 "$bochs" -q -f "$tmp/rc" > "$tmp/probe" 2>&1; } 2> /dev/null
    [ -n "$display" ] || ! grep -aq 'ROM image' "$tmp/probe" || display=$d
done
[ -n "$display" ] || fail "this $bochs has neither the display nogui nor rfb"

# Debian's Bochs 2.7 begins in its debugger, which wants to be told to go on: the "c".
emulate() { # emulate PROGRAM [ARGUMENT...]: what it prints; its exit status, 125 when it did not end itself
    rm -rf "$tmp/cd"
    mkdir -p "$tmp/cd/isolinux"
    cp "$isolinux" $modules/ldlinux.c32 $modules/libcom32.c32 $modules/mboot.c32 "$tmp/cd/isolinux/"
    cp "$tmp/kernel32" "$tmp/cd/kernel"
    strip -o "$tmp/cd/program" "$1" || return 125
    shift
    append="/kernel --- /program $*"
    n_files=0
    for f in ${EMULATED_FILES:-}; do
        n_files=$((n_files + 1))
        cp "$f" "$tmp/cd/file$n_files" || return 125
        append="$append --- /file$n_files $f"
    done
    printf 'default it\nprompt 0\nlabel it\n kernel mboot.c32\n append %s\n' "$append" \
        > "$tmp/cd/isolinux/isolinux.cfg"
    xorriso -as mkisofs -quiet -o "$tmp/cd.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
        -boot-load-size 4 -boot-info-table "$tmp/cd" 2> "$tmp/xorriso" || { cat "$tmp/xorriso"; return 125; }
    settings "$display" "$bios" "$tmp/cd.iso" > "$tmp/rc"
    echo c | timeout "$limit" "$bochs" -q -f "$tmp/rc" 2> /dev/null | tr -d '\r' > "$tmp/printed"
    sed '1,/^@ begin$/d; /^@ /,$d' "$tmp/printed"
    status=$(sed -n 's/^@ exit //p' "$tmp/printed")
    [ -n "$status" ] || { grep -q '^@ ' "$tmp/printed" || tail -n 3 "$tmp/bochs.log"; return 125; }
    return $((status))
}

if [ $# -gt 0 ]; then
    emulate "$@"
    exit
fi

n=0 bad=0
check() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
skip() {
    n=$((n + 1))
    echo "ok $n # SKIP $1"
}
make -s B="$build/static" OPTIONAL=none LDFLAGS=-static "$build/static/clipc" \
    "$build/static/tests/test_kernels" "$build/static/tests/test_q8" "$build/static/tests/test_bf16" \
    > "$tmp/log" 2>&1
check $? "a static build $(grep error "$tmp/log" | head -n 2)"

case $cpu in
sapphire_rapids) wanted="avx512bf16 avx512vnni avx512 avxvnni amx" ;;
corei7_skylake_x) wanted=avx512 ;;
*) wanted="avx512vnni avx512" ;;
esac
excused='^not ok: none is'
case $wanted in
*amx*)
    # The emulator has its faults too: where int8 on tiles is one, the checks of that say nothing.
    $cc -O1 -static tests/bochs/instructions.c -o "$tmp/instructions" || fail "instructions.c does not compile"
    emulate "$tmp/instructions" > "$tmp/out"
    status=$?
    if [ $status -eq 1 ] && grep -qx 'TDPBUSD is wrong' "$tmp/out"; then
        excused='^not ok [0-9]* - \(amx-tile-q8 gemm\|amx int8\)'
        skip "int8 on tiles: this Bochs has TDPBUSD wrong"
    else
        check $status "$cpu: its tiles are right $(cat "$tmp/out")"
    fi ;;
esac

for test in kernels q8 bf16; do
    emulate "$build/static/tests/test_$test" > "$tmp/out"
    status=$?
    failed=$(grep '^not ok' "$tmp/out" | grep -v "$excused" | head -n 3)
    [ $status -eq 1 ] && [ -z "$failed" ] && grep -q "$excused" "$tmp/out" && status=0
    for set in $wanted; do # a skipped set has no such line
        case $test$set in bf16avx512bf16 | bf16amx | kernels* | q8*) ;; *) continue ;; esac
        grep -q "ok [0-9]* - \(.* gemm $set \|$set int8 \|$set-\)" "$tmp/out" || status=1
    done
    [ $status -eq 0 ] && grep -q '^1\.\.' "$tmp/out" && [ -z "$failed" ]
    check $? "$cpu: $(grep -c '^ok' "$tmp/out") checks of test_$test $failed"
done

model=$tmp/mini.clipc
if "$build/clipc" convert tests/golden/mini -o "$model" 2> "$tmp/log"; then
    EMULATED_FILES=$model emulate "$build/static/clipc" selftest "$model" > "$tmp/out"
    status=$?
    for set in $wanted; do
        grep -q "^ *$set .* ok\$" "$tmp/out" || status=1
    done
    passed=$(awk '/ ok$/ { print $1 }' "$tmp/out" | sort -u | tr '\n' ' ')
    check $status "$cpu: golden vectors by $passed$([ $status -eq 0 ] || tail -n 3 "$tmp/out")"
else
    skip "golden vectors: $(tail -n 1 "$tmp/log")"
fi
echo "1..$n"
exit $bad
