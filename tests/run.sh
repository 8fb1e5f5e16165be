#!/bin/sh
# usage: sh tests/run.sh [NAME...]     run tests/test_NAME.* (all without NAME) from the top of the tree
#        sh tests/run.sh --plan        write what the last run counted into tests/plan
#
# Every test prints TAP, to $CLIPC_BUILD/tap/NAME; two run at a time.  A test fails that ends badly,
# numbers its checks wrongly, has no plan, or prints fewer checks than tests/plan holds for it and
# does not say what it skipped.  Each skip is shown with its reason; the last line is
# `N passed, 0 failed, K skipped`, counting single checks.
set -u
build=${CLIPC_BUILD:-build}
export CLIPC_BUILD="$build"
unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that called: its job server is not for ours
log=$build/tests.log
tap=$build/tap
mkdir -p "$tap"

# One line for each check in a test's TAP, plan and exit status; `wrong` when they do not agree.
# What the file of counts holds is a least: whoever adds checks need not touch it.
judge() { # judge NAME
    awk -v name="$1" -v least="$(awk -v n="$1" '$1 == n { print $2 }' tests/plan 2> /dev/null)" '
        function wrong(what) { print "not ok - " name ": " what }
        /^(ok|not ok) [0-9]/ {
            count++
            failed += $1 == "not"
            number = $1 == "ok" ? $2 : $3
            if (number != count) { wrong("check " count " is numbered " number) }
            skips += / # SKIP /
        }
        /^1\.\.[0-9]+$/ { plans++; planned = substr($0, 4) }
        /^exit / { status = $2 }
        END {
            if (plans != 1) { wrong("no plan: it ended after " count + 0 " checks") }
            else if (planned != count || count == 0) { wrong(count + 0 " checks of " planned) }
            if (status == 124) { wrong("took longer than 600 s") }
            else if (status > 1 || (status == 1 && !failed)) { wrong("exit status " status) }
            if (count < least && !skips) { wrong(count + 0 " checks, tests/plan holds " least) }
        }' "$tap/$1"
}

if [ "${1:-}" = --plan ]; then
    for f in "$tap"/*; do
        [ "$(tail -n 1 "$f")" = "exit 0" ] && echo "${f##*/} $(grep -cE '^ok [0-9]' "$f")"
    done > "$build/plan"
    : > "$build/old"
    [ ! -f tests/plan ] || awk 'NR == FNR { new[$1] = 1 } NR != FNR && !($1 in new)' "$build/plan" tests/plan > "$build/old"
    sort "$build/plan" "$build/old" > tests/plan
    exit 0
fi

list=
names=
for f in tests/test_*.c tests/test_*.sh tests/test_*.py; do
    name=${f##*/test_}
    name=${name%.*}
    if [ $# -gt 0 ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    case $f in *.c) f=$build/tests/test_$name ;; esac
    list="$list $f"
    names="$names $name"
done
[ -n "$list" ] || { echo "no test of that name"; echo "0 passed, 1 failed"; exit 1; }

# How each kind of test is started, with a limit that no healthy test comes near.
cat > "$build/run-one" <<'END'
#!/bin/sh
name=${1##*/test_}
python=
for p in /usr/bin/python3 python3; do
    "$p" -c 'import numpy' 2>/dev/null && python=$p && break
done
case $1 in
*.sh) set -- timeout 600 sh "$1" ;;
*.py) if [ -n "$python" ]; then
          set -- timeout 600 "$python" "$1"
      else
          set -- printf 'ok 1 # SKIP %s: no python3 with numpy (apt-get install python3-numpy)\n1..1\n' "$1"
      fi ;;
*) set -- timeout 600 "$1" ;;
esac
tap=$CLIPC_BUILD/tap/${name%.*}
"$@" > "$tap" 2>&1
echo "exit $?" >> "$tap"
END
chmod +x "$build/run-one"
echo $list | tr ' ' '\n' | xargs -n 1 -P 2 "$build/run-one"

: > "$log"
for name in $names; do
    { echo "== $name"; cat "$tap/$name"; judge "$name"; } >> "$log"
done
grep -E '^not ok|WARNING: (Address|Thread)|ERROR: |runtime error' "$log"
grep -E '^ok.*# SKIP' "$log" | sed 's/^ok [0-9]* # SKIP/skipped:/' | sort | uniq -c | sed 's/^ *1 //'
passed=$(grep -cE '^ok' "$log")
skipped=$(grep -cE '^ok.*# SKIP' "$log")
failed=$(grep -cE '^not ok' "$log")
[ "$failed" -eq 0 ] || grep -nE '^not ok - ' "$log" | cut -d: -f1 | while read -r line; do
    head -n "$line" "$log" | tail -n 20 # what the test said before it ended badly
done
echo "$((passed - skipped)) passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
