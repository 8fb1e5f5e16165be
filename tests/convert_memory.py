"""Seconds and memory of converting a checkpoint as large as ViT-L/14, of random numbers in f16.
usage: /usr/bin/python3 tests/convert_memory.py      (make first; writes 1.7 GB in build/memory)"""
import json
import os
import resource
import subprocess
import time

import numpy as np

folder = "build/memory/l14"
path = folder + "/open_clip_model.safetensors"
clipc = os.environ.get("CLIPC") or "build/clipc"
config = {"embed_dim": 768, "vision_cfg": {"image_size": 224, "layers": 24, "width": 1024, "patch_size": 14},
          "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 768, "heads": 12, "layers": 12}}


def shapes():
    v, t = config["vision_cfg"], config["text_cfg"]
    yield "visual.conv1.weight", (v["width"], 3, 14, 14)
    yield "visual.class_embedding", (v["width"],)
    yield "visual.positional_embedding", (257, v["width"])
    yield "visual.proj", (v["width"], 768)
    yield "token_embedding.weight", (t["vocab_size"], t["width"])
    yield "positional_embedding", (77, t["width"])
    yield "text_projection", (t["width"], 768)
    yield "logit_scale", ()
    for norm, width in (("visual.ln_pre", v["width"]), ("visual.ln_post", v["width"]), ("ln_final", t["width"])):
        yield norm + ".weight", (width,)
        yield norm + ".bias", (width,)
    for prefix, tower in (("visual.", v), ("", t)):
        w = tower["width"]
        for i in range(tower["layers"]):
            block = "%stransformer.resblocks.%d." % (prefix, i)
            yield block + "attn.in_proj_weight", (3 * w, w)
            yield block + "attn.in_proj_bias", (3 * w,)
            for name, shape in (("attn.out_proj", (w, w)), ("mlp.c_fc", (4 * w, w)), ("mlp.c_proj", (w, 4 * w)), ("ln_1", (w,)), ("ln_2", (w,))):
                yield "%s%s.weight" % (block, name), shape
                yield "%s%s.bias" % (block, name), shape[:1]


def write():
    os.makedirs(folder, exist_ok=True)
    json.dump({"model_cfg": config}, open(folder + "/open_clip_config.json", "w"))
    head, at = {}, 0
    for name, shape in shapes():
        size = 2 * int(np.prod(shape, dtype=int))
        head[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    rng = np.random.default_rng(1)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes():
            numbers = rng.standard_normal(shape, "f4") * np.float32(.02) + np.float32(name.endswith(("ln_1.weight", "ln_2.weight")))
            f.write(np.asarray(numbers, "f2").tobytes())


def anonymous(pid):
    """kB of memory that is the process's own, and not a file's; 0 when it has ended."""
    try:
        lines = open("/proc/%d/smaps_rollup" % pid).read().split("\n")
        return max([int(line.split()[1]) for line in lines if line.startswith("Anonymous:")], default=0)
    except OSError:
        return 0


if not os.path.exists(path):
    write()
print("checkpoint: %.0f MB" % (os.path.getsize(path) / 1e6))
start, most = time.monotonic(), 0
process = subprocess.Popen([clipc, "convert", folder, "-o", folder + ".clipc", "--no-goldens"], stderr=subprocess.DEVNULL)
while process.poll() is None:
    most = max(most, anonymous(process.pid))
    time.sleep(.005)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print("convert: exit %d, %.1f s, %.1f s of a core" % (process.returncode, time.monotonic() - start, usage.ru_utime + usage.ru_stime))
print("memory at most: %.1f MB of its own, %.0f MB with the pages of files that it has mapped" % (most / 1024, usage.ru_maxrss / 1024))
