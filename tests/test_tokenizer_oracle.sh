#!/bin/sh
# The tokenizer against a second one in Python and the reference programs' ids: tests/tokenizer_oracle.py.
python=/usr/bin/python3
"$python" -c 'import regex' 2>/dev/null || {
    echo "ok 1 # SKIP no $python with its regex module (package python3-regex)"; echo 1..1
    exit 0
}
build=${CLIPC_BUILD:-build}
exec "$python" tests/tokenizer_oracle.py "$build/tests/test_tokenizer" "$build/clipc"
