"""What the tests of `clipc watch` share: its records, and what classify says of the same pictures."""
import json
import math
import os
import shutil
import subprocess
import tempfile

import numpy as np
from PIL import Image

import tap

tmp = tempfile.mkdtemp()
tap.clipc = clipc = os.path.abspath(tap.clipc)
prompts = ["an ace of spades playing card", "a red cross", "a blue heart"]
# Pictures of the model's world, as frames of one size.
names = ["ace-of-spades-19", "red-cross-5", "blue-heart-1", "jack-of-hearts-15", "nothing-24"]
frames = [np.asarray(Image.open("tests/images/%s.png" % n).convert("RGB").resize((130, 98))) for n in names]


def watch(*args, **keywords):
    """(exit code, records, stderr)."""
    code, out, err = tap.run("watch", *args, **keywords)
    return code, [json.loads(line) for line in out.splitlines()], err


def cosines(paths, labels=prompts):
    """What classify says: [pictures, labels]."""
    _, out, err = tap.run("classify", *paths, "--jsonl", *[x for l in labels for x in ("--label", l)])
    rows = [{x["label"]: x["cosine"] for x in json.loads(line)["labels"]} for line in out.splitlines()]
    return [[r[l] for l in labels] for r in rows]


def pngs(frames, name):
    paths = []
    for i, f in enumerate(frames):
        paths.append("%s/%s-%03d.png" % (tmp, name, i))
        Image.fromarray(f).save(paths[-1])
    return paths


def difference(records, want):
    """Of cosines, the largest; infinite where one is missing."""
    if len(records) != len(want) or any(r["cosines"] is None for r in records):
        return math.inf
    return max(abs(a - b) for r, w in zip(records, want) for a, b in zip(r["cosines"], w))


def start(*args, **keywords):
    return subprocess.Popen([clipc, "watch"] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)


def fake_ffmpeg(script):
    """Environment in which ffmpeg is this script; $T is tmp."""
    os.makedirs(tmp + "/bin", exist_ok=True)
    open(tmp + "/bin/ffmpeg", "w").write(script.replace("$T", tmp))
    os.chmod(tmp + "/bin/ffmpeg", 0o755)
    return dict(os.environ, PATH=tmp + "/bin:" + os.environ["PATH"])


def done():
    shutil.rmtree(tmp)
    tap.done()
