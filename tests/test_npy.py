"""What clipc reads and writes as .npy, compared with NumPy: through tests/test_npy.c, then the verbs."""
import ast
import io
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import warnings

import numpy as np

import tap

tmp = tempfile.mkdtemp()
driver = os.path.join(tap.build, "tests", "test_npy")
rng = np.random.RandomState(3)


def read(paths):
    """Each file as (kind, shape, values) or ("error", status, sentence)."""
    p = subprocess.run([driver, "read"], input="\n".join(paths).encode() + b"\n", stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=120)
    if p.returncode != 0:
        tap.check(False, "the reader survives: exit %d, %s" % (p.returncode, p.stderr.decode()[-400:]))
        return [("dead", 0, "")] * len(paths)
    result = []
    for line in p.stdout.decode("utf-8", "replace").splitlines():
        head, _, tail = line.partition(" :")
        words = head.split()
        if words[0] == "error":
            result.append(("error", int(words[1]), line.split(" ", 2)[2]))
        else:
            base = 16 if words[0] == "floats" else 10
            result.append((words[0], tuple(map(int, words[1:])), [int(v, base) for v in tail.split()]))
    return result


def same(want, got):
    """Is `got` of read() the array `want`?  Any NaN equals any other."""
    kind, shape, values = got
    if kind not in ("floats", "whole") or shape != want.shape:
        return False
    if kind == "whole":
        return want.dtype.kind in "iub" and values == [int(x) for x in want.ravel()]
    with np.errstate(over="ignore"):
        flat = want.ravel().astype(np.float32)
    bits = np.array(values, np.uint32)
    nan = np.isnan(flat)
    return (want.dtype.kind == "f" and np.array_equal(np.isnan(bits.view(np.float32)), nan) and
            np.array_equal(bits[~nan], flat.view(np.uint32)[~nan]))


def save(name, array, version=None):
    path = "%s/%s.npy" % (tmp, name)
    with open(path, "wb") as f, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that versions 2 and 3 need a newer NumPy
        np.lib.format.write_array(f, array, version)
    return path


def numbers(dtype, shape):
    """Random bits of that type, but 64-bit whole numbers that fit a signed one."""
    n = int(np.prod(shape, dtype=int))
    d = np.dtype(dtype)
    if d.kind == "b":
        return (rng.randint(0, 2, n) != 0).reshape(shape)
    a = np.frombuffer(rng.bytes(n * d.itemsize), d).copy()
    if dtype == "<u8":
        a >>= np.uint64(1)
    return a.reshape(shape)


# ---- Reading -------------------------------------------------------------------------------------------

types = ["<f2", "<f4", "<f8", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "|b1"]
shapes = [(), (0,), (1,), (5,), (0, 3), (3, 0), (2, 3), (1000,), (2, 3, 4), (1, 2, 1, 3, 1, 2, 1, 2)]
cases = []
for t in types:
    for shape in shapes:
        for version in ((1, 0), (2, 0), (3, 0)):
            a = numbers(t, shape)
            cases.append((a, save("r%d" % len(cases), a, version)))
got = read([path for _, path in cases])
wrong = [(a.dtype.str, a.shape, g[:2]) for (a, _), g in zip(cases, got) if not same(a, g)]
tap.check(len(cases) > 300 and not wrong, "%d arrays of %d types, versions 1 to 3 %s"
          % (len(cases), len(types), wrong[:3] or ""))

halves = np.arange(65536, dtype=np.uint16).view(np.float16)
near = np.float32(rng.bytes and 1) + rng.randint(0, 4096, 1000) * 2.0**-29  # halfway cases of float32
edges = np.array([1e300, -1e300, 3.4028235677973366e38, 3.4028235677973362e38, 1e-45, 7e-46, 1e-60, -0.0,
                  np.inf, -np.inf, np.nan, 2.0**-149, 2.0**-150, 1.17549435e-38])
whole = [np.array([np.iinfo(t).min, -1 if t[1] == "i" else 1, 0, np.iinfo(t).max], t)
         for t in ("|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4")]
paths = [save("halves", halves), save("doubles", np.concatenate([near, edges]))]
paths += [save("limits%d" % i, a) for i, a in enumerate(whole)]
got = read(paths)
tap.check(same(halves, got[0]), "every binary16 number")
tap.check(same(np.concatenate([near, edges]), got[1]), "doubles round to nearest even, to infinity, to 0")
tap.check(all(same(a, g) for a, g in zip(whole, got[2:])), "the limits of every whole type")

huge = np.array([2**63, 2**64 - 1, 5], np.uint64)
got = read([save("huge", huge)])[0]
tap.check(got[0] == "error" or same(huge, got),
          "unsigned numbers beyond 63 bits are refused or right, not negative: %s" % (got[2],))

refused = {"big-endian-float": np.arange(4, dtype=">f4"), "big-endian-whole": np.arange(4, dtype=">i8"),
           "column-major": np.asfortranarray(rng.rand(3, 4)), "complex": np.ones(3, np.complex64),
           "words": np.array(["a", "bc"]), "bytes": np.array([b"a", b"bc"]),
           "objects": np.array([{}, None], object), "dates": np.array(["2001-01-01"], "datetime64[D]"),
           "fields": np.zeros(2, [("shape", "<f4"), ("descr", "<i4")]), "void": np.zeros(2, "V4"),
           "quadruple": np.ones(2, np.longdouble), "nine": np.zeros((1,) * 9, np.float32)}
paths = [save(name, a) for name, a in refused.items()]
np.savez(tmp + "/many.npz", a=np.arange(3.0))
paths.append(tmp + "/many.npz")
for path, (kind, status, sentence) in zip(paths, read(paths)):
    tap.check(kind == "error" and status < 0 and sentence.startswith(path + ": "),
              "refused: " + (sentence[len(tmp) + 1:] if kind == "error" else path + " was read"))

# Spellings of other writers: Python 2 (f22), other quotes, spaces, orders of keys.  Each is legal Python.
rows = numbers("<i4", (1, 3))
for i, (spelling, fine) in enumerate([
        ("{'descr': '<i4', 'fortran_order': False, 'shape': (1L, 3L), }", True),
        ("{'descr': '<i4', 'fortran_order': False, 'shape': (1L, 3L)}", True),
        ("{'shape': (1l,3l), 'fortran_order': False, 'descr': u'<i4'}", True),
        ('{"descr": "<i4", "fortran_order": False, "shape": (1, 3)}', True),
        ("{u'descr':u'<i4',u'fortran_order':False,u'shape':(1,3,)}", True),
        ("{ 'descr' : '=i4' , 'fortran_order' : False , 'shape' : ( 1 , 3 ) }", True),
        ("{'descr':\n'i4',\n'fortran_order':\tFalse,\n'shape':\n(1,\n3)}", True),
        ("{'descr': '<i4', 'fortran_order': False, 'shape': (1 3)}", False),
        ("{'descr': '<i4', 'fortran_order': False, 'shape': (1LL, 3)}", False),
        ("{'descr': '<i4', 'fortran_order': False, 'shape': (1, 3.5)}", False),
        ("{'descr': '<i4', 'fortran_order': False, 'shape': (1, -3)}", False),
        ("{'descr': '>i4', 'fortran_order': False, 'shape': (1, 3)}", False),
        ("{'descr': '<i4', 'fortran_order': True, 'shape': (1, 3)}", False),
        ("{'descr': '<i4', 'fortran_order': False, 'shape': (1, 3", False)]):
    path = "%s/spelling%d.npy" % (tmp, i)
    text = spelling.encode() + b" " * (117 - len(spelling)) + b"\n"
    open(path, "wb").write(b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + rows.tobytes())
    got = read([path])[0]
    tap.check(same(rows, got) if fine else got[0] == "error",
              "%s: %s" % ("read" if fine else "refused", spelling.replace("\n", " ").replace("\t", " ")))

# Headers with a changed, lost or added byte: where NumPy reads it too, both read the same.
random.seed(5)
paths, good = [], []
base = []
for a in (numbers("<f4", (2, 3)), numbers("<i4", (4,)), numbers("|u1", (2, 2, 2)), numbers("<f8", ())):
    base.append(open(save("base", a), "rb").read())
signs = b"(),'{}: <>|=fiub0123456789\"TFL-+\n\0\xff"
for i in range(1500):
    data = bytearray(random.choice(base))
    values = data[128:]
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(0, 70)
        what = random.random()
        if what < 0.4:
            data[at] = random.choice(signs)
        elif what < 0.6:
            del data[at]
        else:
            data.insert(at, random.choice(signs + b" " * 40))
    if i % 2:  # the length agrees with the text again: only the text is damaged
        text = bytes(data[10:len(data) - len(values)])
        data = data[:8] + struct.pack("<H", len(text)) + text + values
    paths.append("%s/m%d.npy" % (tmp, i))
    open(paths[-1], "wb").write(data)
both = different = 0
for path, got in zip(paths, read(paths)):
    if got[0] == "error":
        continue
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = np.load(path)
    except Exception:
        continue  # some that clipc reads, Python's own parser does not: a comma missing, say
    both += 1
    if not same(want, got):
        different += 1
        print("# %s: NumPy has %s %s" % (open(path, "rb").read()[:100], want.dtype.str, want.shape))
tap.check(both > 100 and different == 0,
          "1500 damaged headers: %d read by both, %d of them differently" % (both, different))


# ---- Writing -------------------------------------------------------------------------------------------

def wanted(kind, n):
    """value_of() of test_npy.c"""
    i = np.arange(n, dtype=np.uint64)
    if kind == "u1":
        return (i * 37 & 255).astype(np.uint8)
    x = (i * 2654435761 & 0xffffffff).astype(np.uint32)
    if kind == "i4":
        return x.view(np.int32)
    special = np.array([0x7fc00000, 0x7f800000, 0xff800000, 0x80000000, 1, 0x7f7fffff, 0x00800000], np.uint32)
    return np.where(i % 8 == 1, special[(i // 8 % 7).astype(int)], x & 0xbfffffff).astype(np.uint32).view(np.float32)


def is_wanted(kind, shape, a):
    w = wanted(kind, int(np.prod(shape, dtype=int)))
    return (a.shape == shape and a.dtype == w.dtype and a.flags["C_CONTIGUOUS"] and
            a.tobytes() == w.tobytes())


out = tmp + "/out"
os.mkdir(out)
code = subprocess.run([driver, "write", out]).returncode
tap.check(code == 0, "the writer writes")
wrong = []
for name in sorted(os.listdir(out)):
    how, kind, *shape = name[:-4].split("-")
    a = np.load(out + "/" + name)
    if not is_wanted(kind, tuple(map(int, shape)), a):
        wrong.append((name, a.dtype, a.shape))
    header = io.BytesIO()
    np.lib.format.write_array(header, a, (1, 0))
    if open(out + "/" + name, "rb").read() != header.getvalue():
        wrong.append((name, "header"))
tap.check(len(os.listdir(out)) == 66 and not wrong,
          "%d written arrays are NumPy's own bytes, header included %s" % (len(os.listdir(out)), wrong[:3] or ""))
os.chmod(out, 0o755)
for f in os.listdir(out):  # a file that is replaced keeps its own
    os.remove(out + "/" + f)
mask = os.umask(0o027)
subprocess.run([driver, "write", out])
os.umask(mask)
modes = {os.stat(out + "/" + f).st_mode & 0o777 for f in os.listdir(out)}
tap.check(modes == {0o640}, "new files have the permissions of the umask: %s" % [oct(m) for m in modes])
for rows in (0, 1, 300):
    p = subprocess.run([driver, "stream", str(rows)], stdout=subprocess.PIPE)
    tap.check(p.returncode == 0 and is_wanted("f4", (rows, 3), np.load(io.BytesIO(p.stdout))),
              "%d rows to stdout" % rows)
    header = p.stdout[10:128].decode("latin-1")
    tap.check(set(ast.literal_eval(header)) == {"descr", "fortran_order", "shape"} and header[-1] == "\n",
              "its header is a dictionary and ends the line")
if os.path.exists("/dev/full"):
    for rows in (0, 30000):
        p = subprocess.run([driver, "stream", str(rows)], stdout=open("/dev/full", "wb"), stderr=subprocess.PIPE)
        tap.check(p.returncode == 1 and b"No space" in p.stderr, "a full device is an error after %d rows" % rows)
else:
    tap.skip("no /dev/full")


# ---- The verbs -----------------------------------------------------------------------------------------

model = tmp + "/mini.clipc"
code, _, err = tap.run("convert", "tests/golden/mini", "-o", model)
tap.check(code == 0, "convert the small model " + err.strip())
M = ["-m", model]
pixels, tokens = "tests/golden/mini/pixels.npy", "tests/golden/mini/tokens.npy"
size = np.load(pixels).shape[2]


def loaded(data):
    try:
        return np.load(io.BytesIO(data))
    except Exception as e:
        print("# %s" % e)
        return np.zeros(0)


code, text, err = tap.run("embed", "--pixels", pixels, "--tokens", tokens, "--raw", "--json", *M)
code, _, err = tap.run("embed", "--pixels", pixels, "--tokens", tokens, "--raw", "--npy", tmp + "/v.npy", *M)
vectors = loaded(open(tmp + "/v.npy", "rb").read() if code == 0 else b"")
import json
want = np.array([r["embedding"] for r in json.loads(text)], np.float32)
tap.check(code == 0 and vectors.dtype == np.float32 and np.array_equal(vectors, want) and
          len(want) == len(np.load(pixels)) + len(np.load(tokens)),
          "embed --npy holds the rows of --json, bit for bit %s" % (vectors.shape,))
code, data, err = tap.run("embed", "--pixels", pixels, "--npy", "-", *M)
code2 = tap.run("embed", "--pixels", pixels, "--npy", tmp + "/p.npy", *M)[0]
tap.check(code2 == 0 and (code in (1, 2) and data == b"" and "clipc: " in err or
                          code == 0 and data == open(tmp + "/p.npy", "rb").read()),
          "embed --npy - writes the same bytes to stdout, or says that it cannot: exit %d, shape %s"
          % (code, loaded(data).shape if data else None))

for t in ("<f2", "<f8"):
    x = np.load(pixels).astype(t)
    np.save(tmp + "/x.npy", x)
    np.save(tmp + "/x4.npy", x.astype("<f4"))
    tap.run("embed", "--pixels", tmp + "/x.npy", "--npy", tmp + "/a.npy", *M)
    tap.run("embed", "--pixels", tmp + "/x4.npy", "--npy", tmp + "/b.npy", *M)
    tap.check(np.array_equal(np.load(tmp + "/a.npy"), np.load(tmp + "/b.npy")), "embed --pixels of " + t)
ids = np.load(tokens)
for t in ("<u2", "<i4", "<i8", "<u4"):
    np.save(tmp + "/i.npy", ids.astype(t))
    code = tap.run("embed", "--tokens", tmp + "/i.npy", "--raw", "--npy", tmp + "/a.npy", *M)[0]
    tap.check(code == 0 and np.array_equal(np.load(tmp + "/a.npy"), vectors[-len(ids):]),
              "embed --tokens of " + t)

empty = np.zeros((0, 3, size, size), np.float32)
for option, a in (("--pixels", empty), ("--tokens", ids[:0])):
    np.save(tmp + "/none.npy", a)
    code, _, err = tap.run("embed", option, tmp + "/none.npy", "--npy", tmp + "/n.npy", *M)
    tap.check(code == 0 and np.load(tmp + "/n.npy").shape == (0, vectors.shape[1]) or
              code == 1 and "none.npy" in err and not os.path.exists(tmp + "/n.npy"),
              "embed %s of 0 rows: an array of 0 rows, or an error and no file: exit %d %s" % (option, code, err.strip()))
    if os.path.exists(tmp + "/n.npy"):
        os.remove(tmp + "/n.npy")

hostile = [("--pixels", "float tokens", ids.astype(np.float32)), ("--pixels", "another size", empty[:, :, 1:]),
           ("--pixels", "four channels", np.zeros((1, 4, size, size), np.float32)),
           ("--pixels", "one dimension", np.zeros(3 * size * size, np.float32)),
           ("--pixels", "bytes", np.zeros((1, 3, size, size), np.uint8)),
           ("--pixels", "a scalar", np.float32(1)),
           ("--tokens", "floats", ids.astype(np.float32)), ("--tokens", "one dimension", ids[0]),
           ("--tokens", "a scalar", np.int32(1)), ("--tokens", "three dimensions", ids[None]),
           ("--tokens", "a million empty rows", np.zeros((10**6, 0), np.int32)),
           ("--tokens", "rows too long", np.zeros((1, 100000), np.int32)),
           ("--tokens", "negative ids", -ids), ("--tokens", "ids beyond the vocabulary", ids + 10**6),
           ("--tokens", "ids beyond 32 bits", ids.astype(np.int64) + 2**32)]
for option, what, a in hostile:
    np.save(tmp + "/h.npy", a)
    code, _, err = tap.run("embed", option, tmp + "/h.npy", "--npy", tmp + "/never.npy", *M)
    tap.check(code == 1 and err.startswith("clipc: ") and "h.npy" in err,
              "embed %s of %s is refused: %s" % (option, what, err.strip()[:120].replace(tmp + "/", "")))
    # trace takes the first image or row of an array of any number of dimensions.
    verb = tap.run("trace", option, tmp + "/h.npy", *M)
    tap.check(verb[0] in (0, 1) and (verb[0] == 0 or verb[2].startswith("clipc: ")),
              "trace %s of %s: exit %d" % (option, what, verb[0]))
tap.check(not [f for f in os.listdir(tmp) if ".part" in f], "no temporary file is left")

with open(tmp + "/dot.ppm", "wb") as f:
    f.write(b"P6\n9 7\n255\n" + rng.bytes(9 * 7 * 3))
for stage, shape, dtype in (("crop", (size, size, 3), np.uint8), ("pixels", (3, size, size), np.float32)):
    code, _, err = tap.run("preprocess", tmp + "/dot.ppm", "--npy", tmp + "/s.npy", "--stage", stage, *M)
    a = np.load(tmp + "/s.npy")
    code2, data, _ = tap.run("preprocess", tmp + "/dot.ppm", "--npy", "-", "--stage", stage, *M)
    tap.check(code == 0 and code2 == 0 and a.shape == shape and a.dtype == dtype and
              data == open(tmp + "/s.npy", "rb").read(), "preprocess --stage %s: %s, and the same on stdout"
              % (stage, shape))

# What was there before survives a disk that fills up while the vectors are written.
np.save(tmp + "/big.npy", np.repeat(np.load(pixels)[:1], 400, 0))
open(tmp + "/old.npy", "w").write("precious")


def little_room():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


code, _, err = tap.run("embed", "--pixels", tmp + "/big.npy", "--npy", tmp + "/old.npy", *M,
                       preexec_fn=little_room)
kept = os.path.getsize(tmp + "/old.npy") == 8
tap.check(code == 1 and "old.npy" in err and kept and not [f for f in os.listdir(tmp) if ".part" in f],
          "a full disk: exit %d, the old file %s %s" % (code, "is kept" if kept else "is LOST", err.strip()))

shutil.rmtree(tmp)
tap.done()
