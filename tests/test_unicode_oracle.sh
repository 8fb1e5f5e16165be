#!/bin/sh
# Unicode and HTML tables against Python's modules: tests/unicode_oracle.py.
python=/usr/bin/python3
"$python" -c '' 2>/dev/null || { echo "ok 1 # SKIP no $python"; echo 1..1; exit 0; }
exec "$python" tests/unicode_oracle.py "${CLIPC_BUILD:-build}/tests/test_unicode"
