"""`clipc watch --changes --outliers` against NumPy (changes_oracle.py), on the vectors that `clipc embed`
gives for the same pictures."""
import json
import os
import shutil
import tempfile

import numpy as np
from PIL import Image

import tap
from changes_oracle import EMA, SMA, WINDOW, changes, outliers

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    tap.done()
tmp = tempfile.mkdtemp()
rng = np.random.default_rng(11)
# A card that trembles, then a heart, as two films of raw frames and as pictures.
scenes = [np.asarray(Image.open("tests/images/%s.png" % n).convert("RGB").resize((96, 96)), int)
          for n in ("ace-of-spades-19", "blue-heart-1")]
films = []
for first, second in (0, 1), (1, 0):
    films.append([(scenes[first if k < 16 else second] + rng.integers(-40, 40, (96, 96, 3))).clip(0, 255)
                  .astype(np.uint8) for k in range(24)])
paths = []
for i, film in enumerate(films):
    with open("%s/%d.raw" % (tmp, i), "wb") as f:
        f.write(b"".join(frame.tobytes() for frame in film))
    for k, frame in enumerate(film):
        paths.append("%s/%d-%02d.png" % (tmp, i, k))
        Image.fromarray(frame).save(paths[-1])
_, _, err = tap.run("embed", "--raw", "--npy", tmp + "/v.npy", *paths)
x = np.load(tmp + "/v.npy").reshape(2, 24, -1)
raw = ["--format", "raw", "--size", "96x96"]


def watch(*options):
    """The records of each of the two films."""
    code, out, err = tap.run("watch", tmp + "/0.raw", tmp + "/1.raw", "a card", *raw, *options)
    records = [json.loads(line) for line in out.splitlines()]
    return code, [[r for r in records if r["source"].endswith("%d.raw" % i)] for i in (0, 1)]


def near(records, want):
    return np.abs(np.array([[r["is_outlier"], r["warming_up"], r["percentile"], r["z_score"]] + r["average"] + r["std"]
                            for r in records]) - want).max()


defaults = {"strategy": EMA, "threshold": 0.2, "warmup": 3, "factor": 0.1, "window": 10}
for text, settings in (
        (None, {}), ("strategy=sma,warmup=8", {"strategy": SMA, "warmup": 8}),
        ("strategy=Sliding Window,window_size=5,threshold_percentile=0.05",
         {"strategy": WINDOW, "window": 5, "threshold": 0.05}),
        ("smoothing_factor=0.5", {"factor": 0.5})):
    code, got = watch(*(["--changes"] if text is None else ["--changes-options", text]))
    want = [changes(v, **{**defaults, **settings}) for v in x]
    worst = max(near([r["changes"] for r in g], w) for g, w in zip(got, want))
    tap.check(code == 0 and worst < 1e-6 and "outliers" not in got[0][0],
              "--changes %s: two sources, within %.1e" % (text or "", worst))
    # Under the strategies that forget slowly the cut is the least like the average of all.
    z = [r["changes"]["z_score"] for r in got[0]]
    tap.check(got[0][16]["changes"]["is_outlier"] and z[16] < -1.3, "the cut is a change: z %.2f" % z[16])
for text, settings in (None, (0.05, 3, 32)), ("threshold_percentile=0.2,warmup=6,window_size=8", (0.2, 6, 8)):
    code, got = watch(*(["--outliers"] if text is None else ["--outliers-options", text]))
    want = [outliers(v, *settings) for v in x]
    rows = [[[r["outliers"][k] for k in ("is_outlier", "warming_up", "percentile")] for r in g] for g in got]
    tap.check(code == 0 and all(np.allclose(a, b, atol=1e-8) for a, b in zip(rows, want)) and "changes" not in got[0][0],
              "--outliers %s: the same" % (text or ""))
    tap.check(got[0][16]["outliers"]["is_outlier"] and got[0][16]["outliers"]["percentile"] == 0, "the cut is one")
code, got = watch("--outliers", "--changes")
tap.check(all("changes" in r and "outliers" in r for g in got for r in g), "both together")
with open(tmp + "/0-05.png", "wb") as f:
    f.write(b"broken")
code, out, err = tap.run("watch", tmp + "/0-*.png", "a card", "--changes")
records = [json.loads(line) for line in out.splitlines()]
want = changes(np.delete(x[0], 5, 0), **defaults)
tap.check(code == 1 and records[5]["changes"] is None and
          near([r["changes"] for k, r in enumerate(records) if k != 5], want) < 1e-6,
          "a picture that is broken is no sample")
for option, text, words in (("--changes-options", "window=3", "no setting has the name 'window'"),
                            ("--changes-options", "strategy=x", "'strategy=x'"),
                            ("--outliers-options", "window_size=0", "window_size: from 1")):
    code, out, err = tap.run("watch", tmp + "/0.raw", "a card", *raw, option, text)
    tap.check(code == 2 and out == b"" and words in err and option in err, err.split("\n")[0])
shutil.rmtree(tmp)
tap.done()
