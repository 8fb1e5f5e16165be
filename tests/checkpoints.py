"""Small HuggingFace folders for the tests of `convert`, made from tests/golden/mini."""
import json
import os
import struct
import tempfile

import numpy as np

import tap

tmp = tempfile.mkdtemp()
mini = "tests/golden/mini"
out = tmp + "/o.clipc"


def read_safetensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    head.pop("__metadata__", None)
    types = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}
    return {k: np.frombuffer(data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]],
                             types[v["dtype"]]).reshape(v["shape"]) for k, v in head.items()}


def write_safetensors(path, tensors):
    names = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64", "int16": "I16"}
    head, at = {}, 0
    for k, v in tensors.items():
        head[k] = {"dtype": names[str(v.dtype)], "shape": list(v.shape), "data_offsets": [at, at + v.nbytes]}
        at += v.nbytes
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in tensors.values()))


source = read_safetensors(mini + "/model.safetensors")
wide = {k: v.astype("f4") if v.dtype == np.float16 else v for k, v in source.items()}


def config(**more):
    c = json.load(open(mini + "/config.json"))
    c.update(more)
    return c


def folder(name, tensors=source, **more):
    """A folder of these tensors; `more` replaces keys of mini's config.json."""
    path = "%s/%s" % (tmp, name)
    os.makedirs(path, exist_ok=True)
    json.dump(config(**more), open(path + "/config.json", "w"))
    if tensors is not None:
        write_safetensors(path + "/model.safetensors", tensors)
    return path


def refused(text, path, *words, args=(), target=out):
    """convert says no, with these words, and leaves no file."""
    if os.path.exists(out):
        os.remove(out)
    code, _, err = tap.run("convert", path, "-o", target, *args)
    good = code == 1 and all(w in err for w in words) and not os.path.exists(out) and ".part." not in err
    tap.check(good, "%s: %s" % (text, err.strip().splitlines()[-1][:300] if err else "no message"))


def converts(text, path, *args):
    """convert says yes and the file opens; returns its name."""
    code, _, err = tap.run("convert", path, "-o", out, *args)
    opens = code == 0 and tap.run("info", out)[0] == 0
    tap.check(opens, "%s %s" % (text, err.strip().splitlines()[-1:]))
    return out
