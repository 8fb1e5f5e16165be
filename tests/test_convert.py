"""Checkpoints as people have them, and as nobody should: containers, names, shapes, dtypes, shards."""
import json
import os
import shutil
import struct
import tempfile

import numpy as np

import read_clipc
import tap

tmp = tempfile.mkdtemp()
mini = "tests/golden/mini"


def read_safetensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    head.pop("__metadata__", None)
    types = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}
    return {k: np.frombuffer(data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]],
                             types[v["dtype"]]).reshape(v["shape"]) for k, v in head.items()}


def write_safetensors(path, tensors):
    names = {"float32": "F32", "float16": "F16", "int64": "I64"}
    head, at = {}, 0
    for k, v in tensors.items():
        head[k] = {"dtype": names[str(v.dtype)], "shape": list(v.shape), "data_offsets": [at, at + v.nbytes]}
        at += v.nbytes
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in tensors.values()))


def folder(name, tensors, **config):
    path = "%s/%s" % (tmp, name)
    os.makedirs(path, exist_ok=True)
    c = json.load(open(mini + "/config.json"))
    c.update(config)
    json.dump(c, open(path + "/config.json", "w"))
    write_safetensors(path + "/model.safetensors", tensors)
    return path


source = read_safetensors(mini + "/model.safetensors")
out = tmp + "/o.clipc"


def refused(text, path, *words, args=()):
    if os.path.exists(out):
        os.remove(out)
    code, _, err = tap.run("convert", path, "-o", out, *args)
    good = code == 1 and all(w in err for w in words) and not os.path.exists(out)
    tap.check(good, "%s: %s" % (text, err.strip().splitlines()[-1][:200] if err else "no message"))


# What is in the file is what was in the checkpoint, by a reader written from weights/README.md.
code, _, err = tap.run("convert", mini, "-o", out)
header, tensors = read_clipc.read(out)
block = "vision_model.encoder.layers.0."
qkv = np.concatenate([source[block + "self_attn.%s_proj.weight" % x] for x in "qkv"])
tap.check(code == 0 and tensors["vision.00.attn_in.weight"].dtype == np.float16 and
          (tensors["vision.00.attn_in.weight"] == qkv).all(), "f16 panels hold q, k, v bit for bit")
patch = source["vision_model.embeddings.patch_embedding.weight"]
tap.check((tensors["vision.patch_embed.weight"] == patch.reshape(len(patch), -1)).all(), "the patch embedding")
tap.check((tensors["text.token_embedding"] == source["text_model.embeddings.token_embedding.weight"]).all(),
          "the token table")
tap.check((tensors["vision.ln_pre.weight"] == source["vision_model.pre_layrnorm.weight"].astype("f4")).all(),
          "a LayerNorm, as float32")
tap.check(header["embed_dim"] == 32 and header["image_size"] == 24, "hyper-parameters")

wide = {k: v.astype("f4") if v.dtype == np.float16 else v for k, v in source.items()}
big = folder("f32", wide)
code, _, _ = tap.run("convert", big, "-o", out)
tap.check(code == 0 and read_clipc.read(out)[1]["vision.00.c_fc.weight"].dtype == np.float32,
          "a float32 source stays float32")
code, _, _ = tap.run("convert", out, "-o", tmp + "/half.clipc", "--dtype", "f16")
a = read_clipc.read(tmp + "/half.clipc")[1]
tap.check(code == 0 and (a["vision.00.attn_in.weight"] == qkv).all(), "a weight file as source, f32 to f16")
odd = dict(wide)
odd["visual_projection.weight"] = odd["visual_projection.weight"] + np.float32(1e-3) * np.float32(np.pi)
code, _, _ = tap.run("convert", folder("odd", odd), "-o", out, "--dtype", "f16")
a = read_clipc.read(out)[1]["vision.projection.weight"]
tap.check(code == 0 and (a == odd["visual_projection.weight"].astype("f2")).all(),
          "rounding to f16 is numpy's: nearest, ties to even")

# Shards.
names = sorted(source)
shards = folder("shards", {k: source[k] for k in names[:9]})
os.rename(shards + "/model.safetensors", shards + "/model-00001-of-00002.safetensors")
write_safetensors(shards + "/model-00002-of-00002.safetensors", {k: source[k] for k in names[9:]})
json.dump({"weight_map": {k: "model-0000%d-of-00002.safetensors" % (1 if k in names[:9] else 2) for k in names}},
          open(shards + "/model.safetensors.index.json", "w"))
code, _, err = tap.run("convert", shards, "-o", tmp + "/s.clipc")
tap.check(code == 0 and (read_clipc.read(tmp + "/s.clipc")[1]["vision.00.attn_in.weight"] == qkv).all(), "shards " + err)
json.dump({"weight_map": {k: "../model.safetensors" for k in names}}, open(shards + "/model.safetensors.index.json", "w"))
refused("an index that leaves the folder", shards, "is in no file")

# Names and shapes.
less = {k: v for k, v in source.items() if k != block + "mlp.fc1.bias"}
refused("a missing tensor", folder("less", less), block + "mlp.fc1.bias", "missing")
wrong = dict(less)
wrong[block + "mlp.fc_1.bias"] = source[block + "mlp.fc1.bias"]
refused("a misnamed tensor", folder("wrong", wrong), block + "mlp.fc1.bias", "fc_1")
more = dict(source)
more["vision_model.encoder.layers.1.mlp.fc1.bias"] = source[block + "mlp.fc1.bias"]
refused("a layer too many", folder("more", more), "layers.1.mlp.fc1.bias")
bent = dict(source)
bent[block + "mlp.fc1.weight"] = source[block + "mlp.fc1.weight"].T.copy()
refused("a transposed tensor", folder("bent", bent), "expected shape [256, 64]", "found [64, 256]")
old = dict(source)
old["text_model.embeddings.position_ids"] = np.arange(77, dtype="i8").reshape(1, 77)
code, _, err = tap.run("convert", folder("old", old), "-o", out)
tap.check(code == 0, "old files' position_ids are ignored " + err)
huge = {k: v * np.float32(1e6) if k == "text_projection.weight" else v for k, v in wide.items()}
refused("a value that f16 cannot hold", folder("huge", huge), "text.projection", "too large", args=("--dtype", "f16"))
refused("another kind of model", folder("siglip", source, model_type="siglip"), "siglip")
refused("a projection of no size", folder("zero", source, projection_dim=0), "projection_dim")
refused("a width that is a word", folder("word", source, vision_config={"hidden_size": "wide"}), "hidden_size")
refused("an unknown activation", folder("relu", source, text_config={"hidden_act": "relu"}), "relu")
c = folder("twice", source)
open(c + "/config.json", "w").write('{"model_type": "clip", "model_type": "clip"}')
refused("duplicate keys", c, "duplicate")
refused("no such folder", tmp + "/none", "No such file")
refused("an empty folder", tempfile.mkdtemp(dir=tmp), "no model.safetensors")
code, _, err = tap.run("convert", "--synthetic", "vit-b-99", "-o", out)
tap.check(code == 1 and "vit-b-32" in err, "an unknown synthetic shape names the known ones")
code, _, err = tap.run("convert", mini, "-o", tmp + "/none/x.clipc")
tap.check(code == 1 and "No such file" in err, "a folder that is not there")
code, _, err = tap.run("convert", mini, "-o", "/dev/full/x.clipc")
tap.check(code == 1, "a place that is no folder: " + err.strip().splitlines()[-1])
import subprocess
p = subprocess.run("ulimit -f 100; trap '' XFSZ; exec %s convert %s -o %s/cut.clipc" % (tap.clipc, mini, tmp),
                   shell=True, stderr=subprocess.PIPE)
tap.check(p.returncode == 1 and b"cannot write" in p.stderr and not os.path.exists(tmp + "/cut.clipc") and
          not [f for f in os.listdir(tmp) if "cut" in f], "a full disk leaves nothing behind: " +
          p.stderr.decode().strip().splitlines()[-1][:120])

# Containers, good and bad.
if tap.golden is None:
    tap.skip("$CLIPC_GOLDEN is not set: no containers of other writers")
else:
    for f in sorted(os.listdir(tap.golden + "/formats/bad")):
        if not f.endswith(".safetensors"):
            continue
        d = folder("bad", source)
        shutil.copyfile("%s/formats/bad/%s" % (tap.golden, f), d + "/model.safetensors")
        refused(f, d, "model.safetensors")
        os.remove(d + "/model.safetensors")
shutil.rmtree(tmp)
tap.done()
