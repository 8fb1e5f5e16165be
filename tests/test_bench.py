"""clipc bench: short runs, and what must hold between their figures whatever the machine's speed: operations counted
here by formula, rates from operations and times, the limit from both roofs; JSON, CSV and picture say the same."""
import csv
import json
import os
import shutil
import tempfile
import xml.etree.ElementTree as ET

import tap

tmp = tempfile.mkdtemp()
demo = json.loads(tap.run("info", "--json")[1])
names = {"patch_embed", "attn_in", "attn_out", "c_fc", "c_proj"}


def near(a, b, by=1e-6):
    return abs(a - b) <= by * abs(b)


def bench(*options):
    code, out, err = tap.run("bench", "--threads", "1", *options)
    if code != 0:
        print("# " + err)
    return code, out


# ---- Layers: sizes from the papers' tables, operations from the sizes ----------------------------------------
code, out = bench("--layers", "--batch", "1", "--dtype", "q8", "--json", "--csv", tmp + "/l.csv", "--svg", tmp + "/l.svg")
rows = json.loads(out)
layers = [r for r in rows if "layer" in r]
width, text, pixels, positions = 768, 512, 3 * 32 * 32, 7 * 7 + 1  # ViT-B/32
want = {("image", "patch_embed"): (positions, pixels, width)}
for kind, n, w in ("image", positions, width), ("text of 8", 8, text), ("text of 77", 77, text):
    want.update({(kind, "attn_in"): (n, w, 3 * w), (kind, "attn_out"): (n, w, w), (kind, "c_fc"): (n, w, 4 * w),
                 (kind, "c_proj"): (n, 4 * w, w)})
tap.check(code == 0 and {(r["input"], r["layer"]) for r in layers} == set(want) and
          all((r["rows"], r["in"], r["out"]) == want[r["input"], r["layer"]] for r in layers), "the layers of ViT-B/32")
tap.check(all(near(r["operations"], 2 * r["rows"] * r["in"] * r["out"]) for r in layers), "two operations for each multiply-add")
tap.check(all(near(r["gflops"], r["operations"] / r["ms"] / 1e6) and near(r["gbs"], r["bytes"] / r["ms"] / 1e6) for r in layers),
          "GFLOP/s and GB/s are of the median time")
residual = {"patch_embed", "attn_out", "c_proj"}


def padded(n, to):
    return (n + to - 1) // to * to


tap.check(all(r["bytes"] == padded(r["in"], 64) * padded(r["out"], 32) + 4 * r["rows"] * (r["in"] + r["out"] * (1 + (r["layer"] in residual)))
              for r in layers if r["set"] != "blas"), "bytes: a panel's int8 weights, activations in and out, sums")
tap.check(all(0 < r["share"] <= 1.15 and near(r["share"], r["gflops"] / r["peak_gflops"]) for r in layers), "share of the peak, at most all of it")
tap.check(all(near(r["memory_share"], r["gbs"] / r["memory_gbs"]) for r in layers), "share of memory")
tap.check(all((r["limit"] == "compute") == (r["operations"] / r["peak_gflops"] >= r["bytes"] / r["memory_gbs"]) for r in layers),
          "the limit is the nearer roof")
peaks = {r["peak"]: r["gflops"] for r in rows if "peak" in r}
tap.check(all(r["gemm"] in peaks and r["peak_gflops"] >= 0.999 * peaks[r["gemm"]] for r in layers) and
          len({r["precision"] for r in layers}) == 2, "exact and fast, each with the peak of its own instruction")
machine = [r for r in rows if "machine" in r]
tap.check(len(machine) == 1 and machine[0]["machine"] and machine[0]["compiler"] and machine[0]["spread"] >= 0, "the machine, its compiler, its noise")

table = list(csv.DictReader(open(tmp + "/l.csv", newline="")))
tap.check(len(table) == len(rows) and all(t["kind"] in r and t["name"] == r[t["kind"]] for t, r in zip(table, rows)) and
          all(near(float(t[k]), v) if isinstance(v, (int, float)) else t[k] == v
              for t, r in zip(table, rows) for k, v in r.items() if k != t["kind"]), "CSV has what JSON has")

svg = ET.parse(tmp + "/l.svg").getroot()
ns = "{http://www.w3.org/2000/svg}"
titles = [t.text for t in svg.iter(ns + "title")]
tap.check(svg.tag == ns + "svg" and len(titles) == len(layers) and
          all(any(r["layer"] in t and r["gemm"] in t and "%.1f GFLOP/s" % r["gflops"] in t for t in titles) for r in layers),
          "a picture of well-formed XML with a point for each layer")


def boxes():
    """The places of the layers' names, as wide as their letters are at least."""
    for t in svg.iter(ns + "text"):
        if (t.get("class") or "").startswith("small c"):
            x, y = float(t.get("x")), float(t.get("y"))
            yield x, y - 8, x + 5 * len(t.text), y


places = list(boxes())
tap.check(len(places) > len(layers) / 3 and
          not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for i, a in enumerate(places) for b in places[:i]),
          "no name lies over another, and most points have one")

# ---- Whole encodes and the parts of a pass ----------------------------------------------------------------------
if not os.path.exists("weights/demo.clipc"):
    for text in "encode", "batch", "start", "parts", "texts", "order":
        tap.skip("%s: no embedded model" % text)
else:
    info = json.loads(tap.run("info", "weights/demo.clipc", "--json")[1])[0]
    code, out = bench("--whole", "--timeline", "-m", "weights/demo.clipc", "--batch", "3", "--json", "--kernels", "scalar")
    rows = json.loads(out)
    encodes = [r for r in rows if "encode" in r]
    v, t = info["vision"], info["text"]
    tap.check(code == 0 and {(r["encode"], r["batch"]) for r in encodes} == {("image", 3), ("text of 8", 3), ("longest text", 3)},
              "--batch is the only batch")

    def tower(h, n):
        return 2 * n * h["layers"] * h["width"] * (4 * h["width"] + 2 * h["mlp_width"] + 2 * n)
    n = (info["image_size"] // info["patch_size"]) ** 2 + 1
    image = tower(v, n) + 2 * n * 3 * info["patch_size"] ** 2 * v["width"]
    lengths = {"text of 8": 8, "longest text": t["positions"]}
    tap.check(all(near(r["operations"], 3 * (image if r["encode"] == "image" else tower(t, lengths[r["encode"]]))) and
                  near(r["per_second"], 3000 / r["ms"]) and r["p95_ms"] >= r["ms"] and 0 < r["share"] <= 1.15 for r in encodes),
              "operations by the model's sizes; images a second; the slowest are not faster than the median")
    starts = [r for r in rows if "start" in r]
    tap.check(len(starts) == 1 and starts[0]["memory"] > 1e6 and starts[0]["ms"] > 0, "a start, and what it held")
    parts = [r for r in rows if "part" in r and r["input"] == "image"]
    linear = {(r["part"], r.get("block")): r["operations"] for r in parts if "gemm" in r}
    blocks, w, m = v["layers"], v["width"], v["mlp_width"]
    rows3 = 3 * n
    tap.check({k for k in linear if k[1] is not None} == {(p, b) for p in names - {"patch_embed"} for b in range(blocks)} and
              linear["patch_embed", None] == 2 * rows3 * 3 * info["patch_size"] ** 2 * w and
              all(linear["attn_in", b] == 2 * rows3 * w * 3 * w and linear["attn_out", b] == 2 * rows3 * w * w and
                  linear["c_fc", b] == linear["c_proj", b] == 2 * rows3 * w * m for b in range(blocks - 1)) and
              linear["c_fc", blocks - 1] == 2 * 3 * w * m, "every layer's work in a pass; of the last block's mlp the pooled rows alone")
    texts = {(r["part"], r.get("block")): r["operations"] for r in rows if "part" in r and r["input"] == "text of 8" and "gemm" in r}
    tap.check(texts["c_fc", 0] == 2 * 3 * 8 * t["width"] * t["mlp_width"], "a text of 8 ids is 8 rows")
    at = {(r["part"], r.get("block")): r["begins_ms"] for r in parts}
    order = [at["patch_embed", None]] + [at[p, b] for b in range(blocks) for p in ("attn_in", "attention", "attn_out", "c_fc", "c_proj")]
    tap.check(order == sorted(order) and order[-1] < at["pool_project", None], "parts begin in the order of the model")

# A model whose end token is not its last id: texts end where they should.
shutil.copytree("tests/golden/mini", tmp + "/mini")
config = json.load(open(tmp + "/mini/config.json"))
config["text_config"]["eos_token_id"] = 150
json.dump(config, open(tmp + "/mini/config.json", "w"))
tap.run("convert", tmp + "/mini", "-o", tmp + "/mini.clipc")
rows = json.loads(bench("--timeline", "-m", tmp + "/mini.clipc", "--json")[1])
operations = {r["part"]: r["operations"] for r in rows if "part" in r and r["input"] == "text of 8" and "gemm" in r}
text = config["text_config"]
tap.check(operations["attn_in"] == 2 * 8 * 3 * text["hidden_size"] ** 2 - 2 * 7 * text["hidden_size"] ** 2,
          "8 rows with an end token in the middle of the vocabulary; of queries the pooled row's alone")

# One whose texts are padded to the context: all of that is computed, and counted.
if tap.golden is None:
    tap.skip("padded texts: no $CLIPC_GOLDEN")
else:
    tap.run("convert", tap.golden + "/models/hf_siglip/hf", "-o", tmp + "/siglip.clipc")
    rows = json.loads(bench("--whole", "-m", tmp + "/siglip.clipc", "--batch", "1", "--json")[1])
    t = json.loads(tap.run("info", tmp + "/siglip.clipc", "--json")[1])[0]["text"]
    n, w, m = t["positions"], t["width"], t["mlp_width"]
    want = 2 * n * t["layers"] * w * (4 * w + 2 * m + 2 * n)
    tap.check(all(near(r["operations"], want) for r in rows if "encode" in r and r["encode"] != "image"), "padding is work")

# ---- Options that do not go together, and what cannot be written --------------------------------------------------
code, out, err = tap.run("bench", "--layers", "--kernels", "no-such-set")
tap.check(code == 1 and not out and "kernel set" in err, "a set that is not there")
code, out, err = tap.run("bench", "--layers", "--against", "no-such-set")
tap.check(code == 1 and not out and "kernel set" in err, "nor to be held against")
code, out, err = tap.run("bench", "--layers", "--csv", tmp + "/no/such/folder.csv")
tap.check(code == 1 and not out and "folder.csv" in err, "a file that cannot be written is refused before anything is timed")
code, out, err = tap.run("bench", "--layers", "--csv", tmp + "/both", "--svg", tmp + "/both")
tap.check(code == 2 and "same file" in err and not os.path.exists(tmp + "/both"), "two outputs in one file")
code, out, err = tap.run("bench", "--layers", "--batch", "1000000")
tap.check(code == 1 and not out and "1000000" in err, "a batch that no memory holds")
code, out, err = tap.run("bench", "--whole", "--synthetic", "vit-z-99")
tap.check(code == 1 and "vit-z-99" in err and not [f for f in os.listdir(tempfile.gettempdir()) if f.startswith("clipc-bench-")],
          "a shape that nobody knows; nothing is left behind")
shutil.rmtree(tmp)
tap.done()
