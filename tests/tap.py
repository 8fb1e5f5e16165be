"""TAP for the Python tests, and where things are."""
import os
import subprocess
import sys

count = failed = 0
build = os.environ.get("CLIPC_BUILD") or "build"
golden = os.environ.get("CLIPC_GOLDEN") or None
clipc = os.path.join(build, "clipc")


def check(good, text):
    global count, failed
    count += 1
    failed += not good
    print("%s %d - %s" % ("ok" if good else "not ok", count, text), flush=True)
    return good


def skip(reason):
    global count
    count += 1
    print("ok %d # SKIP %s" % (count, reason), flush=True)


def done():
    print("1..%d" % count)
    sys.exit(failed != 0)


def run(*args, **keywords):
    """clipc with these arguments: (exit code, stdout bytes, stderr text)."""
    p = subprocess.run([clipc] + [a if isinstance(a, bytes) else str(a) for a in args],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, **keywords)
    return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")


def kernel_sets():
    """Names of the kernel sets that this CPU has."""
    import json
    code, out, _ = run("info", "--build", "--json")
    return [k for k, yes in json.loads(out)[0]["kernels"].items() if yes]
