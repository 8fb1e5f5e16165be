"""TAP for the Python tests, and where things are."""
import json
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
    """Names of the kernel sets that this CPU has and whose library, if they need one, loads."""
    code, out, _ = run("info", "--build", "--json")
    return [k for k, yes in json.loads(out)[0]["kernels"].items()
            if yes and (k not in ("blas", "amx") or run("embed", "--text", "a", "--kernels", k)[0] == 0)]


def byte_vocabulary(folder):
    """A vocabulary of plain bytes with four merges in `folder` (made), for tests/golden/mini: texts work
    without anybody's word list.  The list of its 574 tokens."""
    os.mkdir(folder)
    stand_ins = [chr(b) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174 else None for b in range(256)]
    n = 0
    for b in range(256):
        if stand_ins[b] is None:
            stand_ins[b] = chr(256 + n)
            n += 1
    merges = ["a t</w>", "c at</w>", "d o", "do g</w>"]
    vocab = stand_ins + [s + "</w>" for s in stand_ins] + [m.replace(" ", "") for m in merges]
    vocab += ["<extra%d>" % i for i in range(572 - len(vocab))] + ["<|startoftext|>", "<|endoftext|>"]
    json.dump({w: i for i, w in enumerate(vocab)}, open(folder + "/vocab.json", "w"))
    open(folder + "/merges.txt", "w").write("#version: 0.2\n" + "\n".join(merges) + "\n")
    return vocab
