"""convert --dtype q8: what is in the file against numpy, what it costs, outliers, and bad files."""
import hashlib
import json
import re
import shutil
import struct

import numpy as np

import read_clipc
import tap
from checkpoints import folder, mini, out, refused, tmp, wide

q8 = tmp + "/q8.clipc"
towers = {"vision": "vision_model", "text": "text_model"}
plain = {"attn_out": "self_attn.out_proj", "c_fc": "mlp.fc1", "c_proj": "mlp.fc2"}


def of(tower, block, part, suffix="weight"):
    """A parameter of a block in the checkpoint, as float32."""
    b = "%s.encoder.layers.%d." % (towers[tower], block)
    if part == "attn_in":
        return np.concatenate([wide[b + "self_attn.%s_proj.%s" % (x, suffix)] for x in "qkv"])
    return wide[b + "%s.%s" % (plain.get(part, part), suffix)]


def inputs(tower, block, part):
    """About the largest that each input of a layer becomes, from what is before it."""
    norm = "layer_norm1" if part in ("attn_in", "attn_out") else "layer_norm2"
    gamma, beta = of(tower, block, norm).astype("f8"), of(tower, block, norm, "bias").astype("f8")
    if part in ("attn_in", "c_fc"):
        return abs(beta) + 3 * abs(gamma)
    w = (of(tower, block, "attn_in")[2 * len(gamma):] if part == "attn_out" else of(tower, block, "c_fc")).astype("f8")
    return abs(w @ beta) + 3 * np.sqrt(((w * gamma) ** 2).sum(1))


def unit(x):
    return x.astype("f8") / np.linalg.norm(x.astype("f8"), axis=-1, keepdims=True)


def away(model, *args):
    """1 - cosine, at worst, of the golden pictures and texts."""
    worst = 0
    for kind, what in (("pixels", "image"), ("tokens", "text")):
        code, _, err = tap.run("embed", "-m", model, "--" + kind, "%s/%s.npy" % (mini, kind), "--npy", tmp + "/v.npy", *args)
        if code != 0:
            return err
        d = unit(np.load("%s/%s_embed.npy" % (mini, what))) - unit(np.load(tmp + "/v.npy"))
        worst = max(worst, (d * d).sum(-1).max() / 2)
    return worst


# What is in the file.
code, _, said = tap.run("convert", mini, "-o", q8, "--dtype", "q8", "--verbose")
header, tensors = read_clipc.read(q8)
layers = [name[:-7] for name, t in tensors.items() if name.endswith(".weight") and t.dtype == np.int8]
want = ["%s.%02d.%s" % (t, b, p) for t in ("vision", "text") for b in range(header[t]["layers"])
        for p in ("attn_in", "attn_out", "c_fc", "c_proj")]
first = [t + ".00.attn_in" for t in ("vision", "text")]
tap.check(code == 0 and layers == [x for x in want if x not in first], "int8 are the blocks' layers but the first attn_in: %s" % layers)
others = [x + ".weight" for x in first + ["vision.patch_embed", "vision.projection", "text.projection"]] + ["text.token_embedding"]
tap.check(all(tensors[x].dtype == np.float16 for x in others), "the others keep their f16")
errors = {}
for name in layers:
    tower, block, part = name.split(".")
    w = of(tower, int(block), part)
    q, scale, sums, smooth = (tensors["%s.%s" % (name, x)] for x in ("weight", "scale", "sums", "smooth"))
    guess = np.sqrt(abs(w).max(0) / inputs(tower, int(block), part))
    smoothed = w / smooth
    steps = smoothed / (abs(smoothed).max(1) / np.float32(127))[:, None]
    good = np.allclose(smooth, guess, rtol=1e-5) and np.allclose(scale, abs(smoothed).max(1) / 127, rtol=1e-6)
    good &= abs(q - steps).max() <= 0.501 and (abs(q.astype(int)).max(1) == 127).all() and (sums == q.sum(1, dtype=int)).all()
    back = q * scale[:, None].astype("f8") * smooth
    errors[name] = abs(back - w).max() / abs(w).max(), np.sqrt(((back - w) ** 2).sum() / (w.astype("f8") ** 2).sum())
    tap.check(good, "%s: numpy's steps, scales, sums and smoothing; off by %.1e rms" % (name, errors[name][1]))
lines = dict((m[0], (float(m[1]), float(m[2]))) for m in re.findall(
    r"clipc: (\S+)\.weight +int8: off by (\S+) of the largest weight at most, (\S+) rms", said))
tap.check(sorted(lines) == sorted(layers) and all(np.allclose(lines[x], errors[x], rtol=0.01) for x in layers), "--verbose says each layer's error")
worst = max(layers, key=lambda x: errors[x][1])
total = np.sqrt(np.mean([errors[x][1] ** 2 for x in layers]))
quiet = tap.run("convert", mini, "-o", q8, "--dtype", "q8")[2]
tap.check("%d layers as int8, off by %.2e rms of their weights, the most %s.weight by %.2e" % (len(layers), total, worst, errors[worst][1]) in quiet
          and "at most" not in quiet, "and without it a line says all: " + quiet.strip().splitlines()[-1])
text = tap.run("info", q8, "--json")[1].decode()
tap.check(re.findall(r'"dtype": "(\w+)"', text)[:2] == ["q8", "q8"], "info says q8 of both towers")

# What it costs, and that it depends on nothing.
for k in tap.kernel_sets():
    fast, exact = away(q8, "--kernels", k), away(q8, "--kernels", k, "--precision", "exact")
    tap.check(fast <= 2e-3 and exact <= 2e-3 and fast != exact and fast == away(q8, "--kernels", k, "--precision", "fast"),
              "%s: 1 - cosine %.1e, %.1e with exact activations" % (k, fast, exact))
    vectors = []
    for more in (["--batch", "1", "--threads", "1"], ["--batch", "3", "--threads", "2"], ["--batch", "8", "--threads", "1"]):
        for kind in ("pixels", "tokens"):
            tap.run("embed", "-m", q8, "--%s" % kind, "%s/%s.npy" % (mini, kind), "--npy", tmp + "/v.npy", "--kernels", k, *more)
            vectors.append(np.load(tmp + "/v.npy").tobytes())
    tap.check(k == "blas" or len(set(vectors)) == 2, k + ": the same bits for any batch and number of threads")
code, text, _ = tap.run("selftest", q8, "--json")
rows = json.loads(text)
tap.check(code == 0 and {r["precision"] for r in rows} == {"exact", "fast"} and
          all(r["ok"] and r["one_minus_cosine"] <= (1e-9 if r["precision"] == "exact" else 2e-3) for r in rows), "selftest tries both")

# Channels fifty times as large as the others: the model is the same, its activations are not.
planted, random = {k: v.copy() for k, v in wide.items()}, np.random.default_rng(5)
for tower in towers:
    for block in range(header[tower]["layers"]):
        b, width = "%s.encoder.layers.%d." % (towers[tower], block), header[tower]["width"]
        for norm, after in (("layer_norm1", ["self_attn.%s_proj" % x for x in "qkv"]), ("layer_norm2", ["mlp.fc1"])):
            j = random.choice(width, 2, False)
            for suffix in ("weight", "bias"):
                planted[b + norm + "." + suffix][j] *= 50
            for x in after:
                planted[b + x + ".weight"][:, j] /= 50
        j = random.choice(width, 2, False)
        planted[b + "self_attn.v_proj.weight"][j] *= 50
        planted[b + "self_attn.v_proj.bias"][j] *= 50
        planted[b + "self_attn.out_proj.weight"][:, j] /= 50
code, _, err = tap.run("convert", folder("planted", planted), "-o", out, "--dtype", "q8")
tap.check(code == 0 and away(out) <= 2 * away(q8), "outliers x 50 in six places of each block: 1 - cosine %.1e, %.1e without them" % (away(out), away(q8)))
tap.run("convert", folder("planted", planted), "-o", out)
tap.check(away(out) <= 1e-9, "of a model that they do not change: %.1e" % away(out))

# From bf16 and f32 checkpoints, and from int8 back.
code, _, err = tap.run("convert", q8, "-o", out)
back = read_clipc.read(out)[1]
good = all((back[x + ".weight"] == tensors[x + ".weight"] * tensors[x + ".scale"][:, None] * tensors[x + ".smooth"]).all() for x in layers)
tap.check(code == 0 and good and "vision.00.c_fc.scale" not in back, "q8 to f32: the weights that it stands for")
for dtype in ("f16", "bf16", "q8"):
    refused("q8 to %s" % dtype, q8, q8, "int8", "second time", args=("--dtype", dtype))
tap.run("convert", mini, "-o", tmp + "/brain.clipc", "--dtype", "bf16")
code, _, _ = tap.run("convert", tmp + "/brain.clipc", "-o", out, "--dtype", "q8")
kinds = {r[0]: r[1][56] for r in read_clipc.records(open(out, "rb").read())}
tap.check(code == 0 and kinds["vision.00.attn_in.weight"] == 3 and kinds["vision.00.c_fc.weight"] == 4, "bf16 to q8: bf16 beside it")
large = {k: v.copy() for k, v in wide.items()}
large["visual_projection.weight"][0, 0] = 1e6
refused("a projection beyond f16", folder("large", large), "vision.projection", "1e+06", args=("--dtype", "q8"))
zero = {k: v.copy() for k, v in wide.items()}
zero["vision_model.encoder.layers.0.mlp.fc1.weight"][:] = 0
zero["vision_model.encoder.layers.0.layer_norm2.weight"][:3] = 0
zero["vision_model.encoder.layers.0.layer_norm2.bias"][:3] = 0
code, _, _ = tap.run("convert", folder("zero", zero), "-o", out, "--dtype", "q8")
t = read_clipc.read(out)[1] if code == 0 else {}
tap.check(code == 0 and (t["vision.00.c_fc.scale"] > 0).all() and np.isfinite(t["vision.00.c_fc.smooth"]).all() and
          np.isfinite(np.float64(away(out))), "layers and channels of zeros")

# Bad files: refused at open, by name.
data = open(q8, "rb").read()
records, count, stride = struct.unpack("<QII", data[24:40])
place = {data[i:i + 56].split(b"\0")[0].decode(): i for i in range(records, records + count * stride, stride)}


def opened(patches):
    bad = bytearray(data)
    for at, value in patches:
        bad[at:at + len(value)] = value
    bad[48:80] = bytes(32)
    bad[48:80] = hashlib.sha256(bad).digest()
    open(tmp + "/bad.clipc", "wb").write(bad)
    code, _, err = tap.run("info", tmp + "/bad.clipc")
    return code, err


for part in ("scale", "smooth"):
    name = "text.00.c_fc." + part
    at, n = struct.unpack("<Q", data[place[name] + 80:place[name] + 88])[0], len(tensors[name])
    for value in (0, -0.0, -1, np.nan, np.inf, -np.inf):
        for i in (0, n - 1):
            code, err = opened([(at + 4 * i, struct.pack("<f", value))])
            tap.check(code == 1 and name in err and "no scale" in err, "%s %d of %s: %s" % (value, i, name, err.strip()[-80:]))
    tap.check(opened([(at + 4 * n, struct.pack("<f", np.nan))])[0] == 0 or n % 64 == 0, "what lies behind the scales is nobody's")
for part, rows, cols in (("scale", 1, 65), ("scale", 1, 1), ("sums", 1, 63), ("smooth", 1, 129), ("scale", 2, 64), ("sums", 0, 0)):
    name = "text.00.c_fc." + part
    code, err = opened([(place[name] + 64, struct.pack("<II", rows, cols))])
    tap.check(code == 1 and name in err, "%s as %d x %d: %s" % (name, rows, cols, err.strip()[-90:]))
for part, dtype, layout in (("scale", 6, 2), ("scale", 2, 2), ("sums", 1, 2), ("sums", 5, 2), ("smooth", 6, 2), ("scale", 1, 0), ("sums", 6, 1), ("weight", 5, 1), ("weight", 4, 0), ("weight", 4, 2)):
    name = "text.00.c_fc." + part
    code, err = opened([(place[name] + 56, bytes([dtype, layout]))])
    tap.check(code == 1 and "text.00.c_fc." in err, "%s of type %d in layout %d: %s" % (name, dtype, layout, err.strip()[-90:]))
for part in ("scale", "sums"):
    name = "vision.00.attn_out." + part
    code, err = opened([(place[name], b"vision.00.attn_no.other\0"), (place[name] + 58, b"\0")])
    tap.check(code == 1 and "'vision.00.attn_out.weight' is q8 and without" in err and "." + part in err, "without %s: %s" % (name, err.strip()[-90:]))
name = "vision.00.attn_out.smooth"
code, err = opened([(place[name], b"vision.00.attn_no.other\0"), (place[name] + 58, b"\0")])
tap.check(code == 0, "without smoothing it opens " + err)
code, err = opened([(place[name], b"vision.00.attn_in.smooth\0")])
tap.check(code == 1 and "vision.00.attn_in.smooth" in err, "smoothing of a layer that is not int8, required: " + err.strip()[-90:])
for name in ("text.token_embedding", "vision.patch_embed.weight", "text.projection.weight", "text.00.ln_1.weight", "text.00.c_fc.bias"):
    code, err = opened([(place[name] + 56, b"\4")])
    tap.check(code == 1 and name in err, "%s as q8: %s" % (name, err.strip()[-90:]))
shutil.rmtree(tmp)
tap.done()
