"""Checkpoints as people have them, and as nobody should: containers, names, shapes, dtypes, shards."""
import hashlib
import json
import os
import shutil
import struct
import subprocess
import tempfile

import numpy as np

import read_clipc
import tap
from checkpoints import converts, folder, mini, out, refused, source, tmp, wide, write_safetensors

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

big = folder("f32", wide)
code, _, _ = tap.run("convert", big, "-o", out)
tap.check(code == 0 and read_clipc.read(out)[1]["vision.00.c_fc.weight"].dtype == np.float32,
          "a float32 source stays float32")
code, _, _ = tap.run("convert", out, "-o", tmp + "/half.clipc", "--dtype", "f16")
a = read_clipc.read(tmp + "/half.clipc")[1]
tap.check(code == 0 and (a["vision.00.attn_in.weight"] == qkv).all(), "a weight file as source, f32 to f16")
bits = np.ascontiguousarray(qkv.astype("f4")).view("u4").astype("u8")
nearest = ((bits + 0x7fff + (bits >> 16 & 1)) >> 16 << 16).astype("u4").view("f4")
code, _, _ = tap.run("convert", big, "-o", tmp + "/brain.clipc", "--dtype", "bf16")
a = read_clipc.read(tmp + "/brain.clipc")[1]
tap.check(code == 0 and (a["vision.00.attn_in.weight"] == nearest).all() and (nearest != qkv).any(), "f32 to bf16, to nearest even")
code, _, _ = tap.run("convert", tmp + "/brain.clipc", "-o", out)
tap.check(code == 0 and (read_clipc.read(out)[1]["vision.00.attn_in.weight"] == nearest).all() and
          b'"dtype": "bf16"' in tap.run("info", out, "--json")[1], "which stays bf16, bit for bit")
for a, b in (("half", "bf16"), ("brain", "f16"), ("brain", "f32")):
    code, _, err = tap.run("convert", "%s/%s.clipc" % (tmp, a), "-o", out, "--dtype", b)
    tap.check(code == 0 and (read_clipc.read(out)[1]["vision.00.attn_in.weight"] == nearest).all(), "%s to %s %s" % (a, b, err))
odd = dict(wide)
odd["visual_projection.weight"] = odd["visual_projection.weight"] + np.float32(1e-3) * np.float32(np.pi)
code, _, _ = tap.run("convert", folder("odd", odd), "-o", out, "--dtype", "f16")
a = read_clipc.read(out)[1]["vision.projection.weight"]
tap.check(code == 0 and (a == odd["visual_projection.weight"].astype("f2")).all(),
          "rounding to f16 is numpy's: nearest, ties to even")

# A byte order mark before each text: what editors write, and no part of what they say.
marked = folder("marked", source)
tap.byte_vocabulary(marked + "/words")
for name in ("vocab.json", "merges.txt"):
    os.rename(marked + "/words/" + name, marked + "/" + name)
shutil.copy(mini + "/preprocessor_config.json", marked)
plain = read_clipc.read(converts("a folder with a vocabulary", marked))
for name in ("config.json", "preprocessor_config.json", "vocab.json", "merges.txt"):
    text = open(marked + "/" + name, "rb").read()
    open(marked + "/" + name, "wb").write(b"\xef\xbb\xbf" + text)
after = read_clipc.read(converts("the same with byte order marks", marked))
same = all((plain[1][k] == after[1][k]).all() for k in plain[1] if k != "provenance")
tap.check(plain[0] == after[0] and same, "is the same model")

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
stray = dict(source, extra=np.zeros(3, "f4"))
refused("an extra tensor", folder("stray", stray), "'extra'", "does not belong to the config's model")

# logit_scale: one number of a float type, whose exponential is a scale.
for text, value, words in (
        ("F64", np.array(4.6), ("logit_scale", "expected F32, F16 or BF16, found F64")),
        ("I16", np.array(4, "i2"), ("logit_scale", "found I16")),
        ("of shape [2]", np.array([4.6, 4.6], "f4"), ("logit_scale", "expected shape [], found [2]")),
        ("of shape [1, 1]", np.array([[4.6]], "f4"), ("logit_scale", "found [1, 1]")),
        ("of 1e9", np.array(1e9, "f4"), ("logit_scale", "1e+09", "logarithm")),
        ("of 100, no logarithm", np.array(100, "f4"), ("logit_scale", "is 100", "logarithm")),
        ("of NaN", np.array(np.nan, "f4"), ("logit_scale", "nan"))):
    refused("a logit_scale " + text, folder("scale", dict(source, logit_scale=value)), "model.safetensors", *words,
            args=("--no-goldens",))
refused("no logit_scale", folder("scale", {k: v for k, v in source.items() if k != "logit_scale"}), "'logit_scale' [] is missing")
converts("a logit_scale of shape [1]", folder("scale", dict(source, logit_scale=np.array([4.6], "f4"))))
tap.check(abs(read_clipc.read(out)[0]["logit_scale"] - 4.6) < 1e-6, "its value")

# NaN and infinity, in a matrix, a vector and a table.
for name in ("text_projection.weight", "vision_model.pre_layrnorm.bias", block + "self_attn.k_proj.weight",
             "text_model.embeddings.token_embedding.weight"):
    for value in (np.nan, np.inf, -np.inf):
        for tensors in (source, wide):
            bad = tensors[name].copy()
            bad.flat[-1] = value
            refused("%s as %s in %s" % (value, bad.dtype, name), folder("nan", dict(tensors, **{name: bad})),
                    name, "NaN" if value != value else "infinity", args=("--no-goldens",))
refused("no such folder", tmp + "/none", "No such file")
refused("an empty folder", tempfile.mkdtemp(dir=tmp), "no model.safetensors")
refused("a name of the hub", "openai/clip-vit-base-patch32", "hf download openai/clip-vit-base-patch32")
code, _, err = tap.run("convert", "--synthetic", "vit-b-99", "-o", out)
tap.check(code == 1 and "vit-b-32" in err, "an unknown synthetic shape names the known ones")
code, _, err = tap.run("convert", mini, "-o", tmp + "/none/x.clipc")
tap.check(code == 1 and "No such file" in err, "a folder that is not there")
code, _, err = tap.run("convert", mini, "-o", "/dev/full/x.clipc")
tap.check(code == 1, "a place that is no folder: " + err.strip().splitlines()[-1])
p = subprocess.run("ulimit -f 100; trap '' XFSZ; exec %s convert %s -o %s/cut.clipc" % (tap.clipc, mini, tmp),
                   shell=True, stderr=subprocess.PIPE)
tap.check(p.returncode == 1 and b"cannot write" in p.stderr and not os.path.exists(tmp + "/cut.clipc") and
          not [f for f in os.listdir(tmp) if "cut" in f], "a full disk leaves nothing behind: " +
          p.stderr.decode().strip().splitlines()[-1][:120])

# A weight file as source: what opens is converted, what lies about its elements is refused, and a NaN is named.
def patched(name, at, value):
    """half.clipc with the bytes `value` at `at`, and its hash made again: such a file opens if anything does."""
    data = bytearray(open(tmp + "/half.clipc", "rb").read())
    data[at:at + len(value)] = value
    data[48:80] = bytes(32)
    data[48:80] = hashlib.sha256(data).digest()
    path = "%s/%s" % (tmp, name)
    open(path, "wb").write(data)
    return path


data = open(tmp + "/half.clipc", "rb").read()
records, count, stride = struct.unpack("<QII", data[24:40])
for wanted in (b"vision.00.attn_in.weight", b"text.token_embedding", b"vision.ln_pre.bias"):
    place = [records + stride * i for i in range(count) if data[records + stride * i:].startswith(wanted + b"\0")][0]
    for dtype in (0, 1, 2, 3, 4, 5, 6, 77, 255):
        path = patched("dtype.clipc", place + 56, bytes([dtype]))
        code, _, err = tap.run("convert", path, "-o", out)
        opens = tap.run("info", path)[0]
        same = opens == 0 and code == 0 and (read_clipc.read(out)[1][wanted.decode()] == read_clipc.read(path)[1][wanted.decode()]).all()
        tap.check(same if opens == 0 else code == 1 and path in err,
                  "%s of type %d: info %d, convert %d" % (wanted.decode(), dtype, opens, code))
where = data.find(wide["vision_model.encoder.layers.0.layer_norm1.bias"].tobytes())
path = patched("nan.clipc", where, struct.pack("<f", np.nan))
refused("a weight file with a NaN", path, "vision.00.ln_1.bias", "NaN")

# What is read is never written over, by whatever name.
keep = folder("keep", source)
os.link(keep + "/model.safetensors", tmp + "/hard")
os.symlink(keep + "/config.json", tmp + "/soft")
before = {f: open(keep + "/" + f, "rb").read() for f in os.listdir(keep)}
for target in (keep + "/model.safetensors", keep + "/config.json", tmp + "/hard", tmp + "/soft",
               keep + "/../keep/model.safetensors"):
    code, _, err = tap.run("convert", keep, "-o", target)
    tap.check(code == 1 and "would be lost" in err and target in err and
              before == {f: open(keep + "/" + f, "rb").read() for f in os.listdir(keep)}, "-o %s: %s" % (target, err.strip().splitlines()[-1]))
code, _, err = tap.run("convert", tmp + "/half.clipc", "-o", tmp + "/half.clipc", "--dtype", "f32")
tap.check(code == 1 and "would be lost" in err, "a weight file onto itself: " + err.strip().splitlines()[-1])

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
