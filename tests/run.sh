#!/bin/sh
# usage: sh tests/run.sh [NAME...]     run tests/test_NAME.* (all without NAME) from the top of the tree
#
# Every test prints TAP; prove runs two at a time.  Each skip is shown with its reason; the last line
# is `N passed, 0 failed, K skipped`, counting single checks.  $CLIPC_BUILD is the build folder.
set -u
build=${CLIPC_BUILD:-build}
export CLIPC_BUILD="$build"
unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that called: its job server is not for ours
log=$build/tests.log
list=
for f in tests/test_*.c tests/test_*.sh tests/test_*.py; do
    name=${f##*/test_}
    name=${name%.*}
    if [ $# -gt 0 ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    case $f in *.c) f=$build/tests/test_$name ;; esac
    list="$list $f"
done
[ -n "$list" ] || { echo "no test of that name"; echo "0 passed, 1 failed"; exit 1; }

# How each kind of test is started, with a limit that no healthy test comes near.
cat > "$build/run-one" <<'END'
#!/bin/sh
python=
for p in /usr/bin/python3 python3; do
    "$p" -c 'import numpy' 2>/dev/null && python=$p && break
done
case $1 in
*.sh) exec timeout 600 sh "$1" ;;
*.py) [ -n "$python" ] && exec timeout 600 "$python" "$1"
      echo "ok 1 # SKIP $1: no python3 with numpy (apt-get install python3-numpy)"; echo 1..1 ;;
*) exec timeout 600 "$1" ;;
esac
END
chmod +x "$build/run-one"

if command -v prove > /dev/null 2>&1; then
    prove --jobs 2 --verbose --merge --exec "$build/run-one" $list > "$log" 2>&1
    code=$?
else
    code=0
    : > "$log"
    for f in $list; do
        "$build/run-one" "$f" >> "$log" 2>&1 || { code=1; echo "not ok - $f ended badly" >> "$log"; }
    done
fi
grep -E '^not ok|Dubious|Failed|Parse errors|Bad plan|No plan|WARNING: (Address|Thread)|ERROR: |runtime error' "$log"
grep -E '^ok.*# SKIP' "$log" | sed 's/^ok [0-9]* # SKIP/skipped:/' | sort | uniq -c | sed 's/^ *1 //'
passed=$(grep -cE '^ok' "$log")
skipped=$(grep -cE '^ok.*# SKIP' "$log")
failed=$(grep -cE '^not ok' "$log")
[ $code -ne 0 ] && [ "$failed" -eq 0 ] && failed=1 && tail -n 30 "$log"
[ "$passed" -eq 0 ] && failed=$((failed + 1))
echo "$((passed - skipped)) passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
