"""PyTorch's files, their tensors one by one: `info CHECKPOINT` and `--dump`, against NumPy."""
import collections
import json
import os
import shutil
import struct
import tempfile
import zipfile
import zlib

import numpy as np

import tap
import torch_files as torch

tmp = tempfile.mkdtemp()
rng = np.random.default_rng(7)
floats = rng.standard_normal((5, 4)).astype("f4")
half = rng.standard_normal(3).astype("f2")
arrays = collections.OrderedDict([
    ("f32", floats), ("f16", half), ("f64", rng.standard_normal((2, 1, 3))), ("i64", np.arange(-3, 3)),
    ("i32", np.arange(4, dtype="i4")), ("i16", np.arange(4, dtype="i2")), ("i8", np.arange(-2, 2, dtype="i1")),
    ("u8", np.arange(250, 256, dtype="u1")), ("bool", np.array([True, False, True])),
    ("number", np.array(2.5, "f4")), ("empty", np.zeros((0, 3), "f4")), ("Ünïcode 猫", half)])


def listed(path):
    """name -> (dtype, shape) as info says; None with its message."""
    code, out, err = tap.run("info", "--json", path)
    return {t["name"]: (t["dtype"], t["shape"]) for t in json.loads(out)[0]["tensors"]} if code == 0 else err


def dumped(path, name):
    out = tmp + "/dump.npy"
    if os.path.exists(out):
        os.remove(out)
    code, _, err = tap.run("info", path, "--dump", name, out)
    return np.load(out) if code == 0 else err


def same(text, path, want):
    """Exactly these tensors, each with these bits."""
    names = listed(path)
    wrong = [] if isinstance(names, dict) and sorted(names) == sorted(want) else [names]
    for name, a in want.items():
        got = dumped(path, name)
        if isinstance(got, str) or got.dtype != a.dtype or got.shape != a.shape or got.tobytes() != a.tobytes():
            wrong.append((name, got))
    tap.check(not wrong, "%s: %d tensors %s" % (text, len(want), str(wrong[:1])[:200] if wrong else ""))


def refused(text, path, *words):
    code, out, err = tap.run("info", path)
    good = code == 1 and out == b"" and path in err and all(w in err for w in words)
    tap.check(good, "%s: %s" % (text, err.strip()[:250]))


# ---- Every layout that torch.save has had, every protocol that it can be told to use.
path = tmp + "/x.pt"
for protocol in (2, 3, 4, 5):
    torch.write_zip(path, torch.tensors(arrays), protocol=protocol)
    same("zip, protocol %d" % protocol, path, arrays)
    torch.write_old(path, torch.tensors(arrays), protocol=protocol)
    same("before 1.6, protocol %d" % protocol, path, arrays)
torch.write_zip(path, torch.tensors(arrays), align=True, top="ViT-B-32",
                more=((".format_version", b"1"), (".storage_alignment", b"64"), ("byteorder", b"little"),
                      (".data/serialization_id", b"0" * 40)))
same("the aligned layout", path, arrays)
bits = np.array([0x3f80, 0xc000, 0x7f80], "u2")
torch.write_zip(path, {"bf16": torch.Tensor(torch.Storage(bits, "BFloat16Storage", "0"), 0, (3,), (1,))})
same("bf16 as the equal float32", path, {"bf16": np.array([1, -2, np.inf], "f4")})
raw = torch.Storage(np.frombuffer(floats.tobytes(), "u1"), "UntypedStorage", "0")
torch.stand_in("torch", "float32")
v3 = torch.Call(torch.rebuild_v3, raw, 4, (2, 2), (4, 1), False, collections.OrderedDict(), torch.module("torch").float32)
torch.write_zip(path, {"typed": v3})
same("an untyped storage with a dtype", path, {"typed": floats[1:3, :2].copy()})

# ---- Views: offsets and strides of one storage.
s = torch.Storage(floats.ravel(), "FloatStorage", "0")
views = {"whole": (0, (5, 4), (4, 1)), "transposed": (0, (4, 5), (1, 4)), "column": (2, (5,), (4,)),
         "block": (5, (3, 2), (4, 1)), "expanded": (4, (3, 4), (0, 1)), "steps": (1, (2, 2), (8, 2)),
         "last": (19, (), ()), "cube": (0, (2, 2, 2), (8, 1, 4)), "empty": (20, (0, 7), (7, 1))}
want = {k: np.lib.stride_tricks.as_strided(floats.ravel()[o:] if o < 20 else floats.ravel(), z, [4 * x for x in t]).copy()
        for k, (o, z, t) in views.items()}
torch.write_zip(path, {k: torch.Tensor(s, *v) for k, v in views.items()})
same("views of one storage", path, want)
torch.write_old(path, {k: torch.Tensor(s, *v) for k, v in views.items()})
same("the same before 1.6", path, want)
# Nothing is made of a stride of 0 until it is asked for, and then piece by piece.
torch.write_zip(path, {"wide": torch.Tensor(s, 0, (1 << 20, 1 << 18), (0, 0))})
tap.check(listed(path) == {"wide": ("F32", [1 << 20, 1 << 18])}, "a tensor of 2^38 elements out of one is listed")

# ---- What lies around the tensors.
net = torch.tensors({"a": floats, "b": half})
around = {"epoch": 3, "name": "run", "loss": 0.25, "state_dict": net, "optimizer": {"state": {7: {"step": 12, "avg": net["b"]}},
          "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.98), "params": [0, 1]}]}, "big": 1 << 100, "none": None, "yes": True,
          "weight": torch.Call(torch.parameter, net["a"], True, collections.OrderedDict()), "list": [net["b"], [net["a"]]]}
torch.write_zip(path, around)
same("a training checkpoint", path, {"state_dict/a": floats, "state_dict/b": half, "optimizer/state/7/avg": half,
                                     "weight": floats, "list/0": half, "list/1/0": floats})
own = torch.tensors(arrays)
own._metadata = collections.OrderedDict([("", {"version": 1})])
torch.write_zip(path, own)
same("an OrderedDict with _metadata", path, arrays)
linear = torch.stand_in("__torch__.torch.nn.modules.linear", "Linear")
clip = torch.stand_in("__torch__.clip.model.___torch_mangle_7", "CLIP")
code = zlib.compress(b"op_version_set = 1\n" * 40)
script = torch.Script(clip, training=False, proj=net["a"], sub=torch.Script(linear, training=True, weight=net["b"], _hook=None))
torch.write_zip(path, script, more=(("constants.pkl", b"\x80\x02)."), ("constants/0", bytes(12)), ("code/__torch__.py", code)))
same("an archive of TorchScript", path, {"proj": floats, "sub.weight": half})

# ---- What no tensor needs is refused by its name, and never run.
flag = tmp + "/ran"


class Run:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


import os as system_os
import subprocess
for text, thing, words in (("os.system", Run(system_os.system, "touch " + flag), (".system",)),
                           ("subprocess.Popen", Run(subprocess.Popen, ["touch", flag]), (".Popen",)),
                           ("builtins.eval", Run(eval, "open(%r, 'w')" % flag), (".eval",)),
                           ("argparse.Namespace", __import__("argparse").Namespace(lr=1), ("argparse.Namespace",)),
                           ("a numpy scalar", np.float64(1), ("numpy", "scalar"))):
    for protocol in (2, 4):
        torch.write_zip(path, {"a": net["a"], "x": thing}, protocol=protocol)
        refused("%s, protocol %d" % (text, protocol), path, "nothing is ever run", *words)
    torch.write_old(path, {"a": net["a"], "x": thing})
    refused(text + ", before 1.6", path, "nothing is ever run", *words)
tap.check(not os.path.exists(flag), "and nothing was")

# ---- Hostile programs, each said to be what it is, in a moment.
head = b"\x80\x02"
for text, program, words in (
        ("nothing", b"", "truncated"), ("no end", head + b"}", "truncated"), ("no value", head + b".", "one value"),
        ("two values", head + b"NN.", "one value"), ("a lone mark", head + b"N(.", "one value"),
        ("an opcode of protocol 0", b"(dp0\nS'a'\nI1\ns.", "opcode"), ("a set", head + b"\x8f.", "opcode 0x8f"),
        ("a text longer than the file", head + b"\x8d" + b"\xff" * 8 + b".", "longer"),
        ("a number longer than the file", head + b"\x8a\xff1.", "truncated"),
        ("a memo of a lot", head + b"Nr\xff\xff\xff\xff.", "not there"), ("a recall of nothing", head + b"j\1\0\0\0.", "never made"),
        ("a thousand marks and more", head + b"(" * 100000, "nests"),
        ("a key without a value", head + b"}(Nu.", "without a value"), ("an item of no list", head + b"}Na.", "no list"),
        ("a call of a number", head + b"K\1)R.", "no function"), ("a call without arguments", head + b"ccollections\nOrderedDict\nNR.", "arguments"),
        ("a storage that is a text", head + b"X\1\0\0\0aQ.", "no storage"),
        ("a tensor of a text", head + b"ctorch._utils\n_rebuild_tensor_v2\nX\1\0\0\0aK\0))\x89Nt(R.", "takes a"),
        ("a state for a number", head + b"K\1}b.", "state"), ("an object of a dict", head + b"ccollections\nOrderedDict\n)\x81.", "class"),
        ("a list that holds itself", head + b"]q\0h\0a.", "deeper"),
        ("a hundred levels", head + b"]" * 100 + b"a" * 99 + b".", "deeper"),
        ("a million ways to one number", head + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) if i else b"]q\1" for i in range(40)) + b".", ""),
        ("a value that goes on for ever", head + b"N0" * (9 << 20), "")):
    torch.write_zip(path, None, data=program)
    refused(text, path, words)
t = net["a"]
for text, offset, size, stride, word in (
        ("an offset below 0", -1, (1,), (1,), "negative"), ("a size below 0", 0, (-1, 4), (4, 1), "negative"),
        ("a stride below 0", 4, (2,), (-1,), "negative"), ("one row too many", 0, (6, 4), (4, 1), "larger than its storage"),
        ("one step too far", 0, (2, 2), (19, 1), "storage"), ("an offset too far", 1, (5, 4), (4, 1), "behind its storage"),
        ("a size that overflows", 0, (1 << 62, 1 << 62), (0, 0), "overflows"), ("a size of 2^63", 0, (2**63 - 1,), (0,), "overflows"),
        ("a stride that overflows", 0, (3, 3), (2**63 - 1, 2**62), "storage"), ("an offset of 2^63", 2**63 - 1, (1,), (1,), "behind"),
        ("a size of 2^64", 0, (2**64,), (1,), "whole numbers"), ("nine dimensions", 0, (1,) * 9, (1,) * 9, "8 at most"),
        ("fewer strides than sizes", 0, (2, 2), (2,), "equally many"), ("a size that is a text", 0, ("a",), (1,), "whole numbers")):
    torch.write_zip(path, {"t": torch.Tensor(t.storage, offset, size, stride)})
    refused(text, path, word)
    torch.write_old(path, {"t": torch.Tensor(t.storage, offset, size, stride)})
    refused(text + ", before 1.6", path, word)
short = torch.Storage(floats.ravel()[:19], "FloatStorage", "0")
program, _ = torch.dump({"t": t})
torch.write_zip(path, {"t": torch.Tensor(short, 0, (19,), (1,))}, data=program)
refused("a storage that is shorter than it is said to be", path, "storage '0'", "size")
torch.write_zip(path, {"t": t}, top="a/b")
refused("a pickle in a folder of a folder", path, "data.pkl")
torch.write_zip(path, {"t": t}, store=zipfile.ZIP_DEFLATED)
refused("a compressed archive", path, "compressed", "zip -0")
torch.write_zip(path, {"t": t}, more=(("byteorder", b"big"),))
refused("another order of bytes", path, "big-endian")

# ---- Archives that lie about themselves, and files cut at every tenth.
torch.write_zip(path, torch.tensors({"t": floats}))
good = open(path, "rb").read()
entry = good.find(b"PK\1\2")
end = good.find(b"PK\5\6")


def patched(text, at, data, *words):
    open(tmp + "/p.pt", "wb").write(good[:at] + data + good[at + len(data):])
    refused(text, tmp + "/p.pt", *words)


patched("encrypted", entry + 8, b"\1", "encrypted")
patched("split", end + 4, b"\1", "split")
patched("more entries than there are", end + 8, b"\xff\0\xff\0", "outside")
patched("a list behind the file", end + 16, struct.pack("<I", len(good)), "outside")
patched("a list of another length", end + 12, struct.pack("<I", 1), "outside")
patched("two sizes", entry + 20, b"\1\0\0\0", "two sizes")
patched("another name", entry + 46, b"A", "two names")
patched("an entry behind the file", entry + 42, struct.pack("<I", len(good) - 4), "outside")
patched("an entry without its 64-bit size", entry + 24, b"\xff" * 4, "without its size")
patched("another method", entry + 10, b"\x08", "compressed")
for data in (good, (torch.write_old(path, torch.tensors({"t": floats})), open(path, "rb").read())[1]):
    codes = []
    for i in range(1, 60):
        open(tmp + "/cut.pt", "wb").write(data[:len(data) * i // 60])
        codes.append(tap.run("info", tmp + "/cut.pt")[0])
    tap.check(set(codes) == {1}, "cut at 59 places: always refused %s" % sorted(set(codes)))

# ---- --dump writes what it may, and nothing else.
torch.write_zip(path, torch.tensors(arrays))
code, out, _ = tap.run("info", path, "--dump", "f32", "-")
tap.check(code == 0 and np.lib.format.read_array(__import__("io").BytesIO(out)).tobytes() == floats.tobytes(), "a dump on stdout")
for name in ("number", "f32", "empty"):
    got = dumped(path, name)
    np.save(tmp + "/numpy.npy", arrays[name])
    tap.check(open(tmp + "/dump.npy", "rb").read() == open(tmp + "/numpy.npy", "rb").read(), name + " is byte for byte NumPy's file")
got = dumped(path, "f31")
tap.check(isinstance(got, str) and "no tensor 'f31'" in got and "f32" in got, "a name that is not there: " + str(got).strip())
before = open(path, "rb").read()
code, _, err = tap.run("info", path, "--dump", "f32", path)
tap.check(code == 1 and "lost" in err and open(path, "rb").read() == before, "onto the checkpoint itself: " + err.strip())
for args in ((path, "--dump", "f32"), ("--dump", "f32"), (path, "a", "b")):
    tap.check(tap.run("info", *args)[0] == 2, "usage: info %s" % " ".join(args[-2:]))

# ---- A name that says safetensors, and bytes that do not.
path = tmp + "/model.safetensors"
for text, data in (("seven bytes", b"\x02\0\0\0\0\0\0"), ("a list", b"\x02\0\0\0\0\0\0\0[]"), ("a header of 2^63 bytes", b"\0" * 7 + b"\x80{}"), ("no JSON", b"\x04\0\0\0\0\0\0\0null")):
    open(path, "wb").write(data)
    code, out, err = tap.run("convert", path, "-o", tmp + "/none.clipc")
    tap.check(code == 1 and "damaged: one begins with 8 bytes" in err and not os.path.exists(tmp + "/none.clipc"),
              "%s: %s" % (text, err.strip()[:250]))

# ---- Files of the libraries themselves.
if tap.golden is None:
    tap.skip("$CLIPC_GOLDEN is not set: no containers of other writers")
else:
    index = json.load(open(tap.golden + "/formats/index.json"))
    for f, what in sorted(index["good"].items()):
        path = "%s/formats/good/%s" % (tap.golden, f)
        wrong = []
        for name, t in what["tensors"].items():
            want, got = np.load("%s/formats/%s" % (tap.golden, t["npy"])), dumped(path, name)
            if isinstance(got, str) or got.dtype != want.dtype or got.shape != want.shape or got.tobytes() != want.tobytes():
                wrong.append((name, got))
        tap.check(not wrong, "%s: %d tensors %s" % (f, len(what["tensors"]), wrong[:1] or ""))
    for f in sorted(index["bad"]):
        refused(f, "%s/formats/bad/%s" % (tap.golden, f))
shutil.rmtree(tmp)
tap.done()
