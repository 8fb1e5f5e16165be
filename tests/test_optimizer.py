"""The trainer's optimizer, by its formulas in NumPy: AdamW and Muon from one checkpoint to the next."""
import json
import os
import shutil
import struct
import subprocess
import tempfile

import tap

train = os.path.join(tap.build, "clipc-train")
if not os.path.exists(train):
    tap.skip("no %s: it needs OpenBLAS and stb (apt-get install libopenblas-dev libstb-dev)" % train)
    tap.done()
import numpy as np

STEPS, AT = 8, 5  # of the whole run; the step between two checkpoints
BETA1, BETA2, DECAY, MOMENTUM, MUON_RATE, ADAM_RATE = 0.9, 0.98, 0.1, 0.95, 0.01, 1e-3
tmp = tempfile.mkdtemp()


def run(*args):
    return subprocess.run([train, "run", "--out", tmp, "--steps", str(STEPS), "--batch", "2", "--seed", "7"] + list(args),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def checkpoint():
    """weights, first and second moments, averages: of all parameters, one behind the other."""
    data = open(tmp + "/checkpoint", "rb").read()
    total = struct.unpack("<Q", data[8:16])[0]
    return np.frombuffer(data[len(data) - 16 * total:], "<f4").reshape(4, total).astype(float)


codes = [run("--stop-at", str(AT))]
before = checkpoint()
codes.append(run("--stop-at", str(AT + 1)))
after = checkpoint()
codes.append(run())
tap.check(codes == [0, 0, 0], "a run in three pieces: %s" % codes)
with open(tmp + "/hf/model.safetensors", "rb") as f:
    head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
head.pop("__metadata__", None)
shutil.rmtree(tmp)

left, warm, keep = 1 - AT / STEPS, (AT + 1) / 200, (1 + AT) / (10 + AT)
adam, muon = ADAM_RATE * left * warm, MUON_RATE * left * warm
off = {"variance": 0, "weights": 0, "average": 0, "directions": 0}
square, counts, lengths = 0, {"AdamW": 0, "decayed": 0, "Muon": 0}, []
for name, tensor in head.items():
    begin, end = (n // 4 for n in tensor["data_offsets"])
    shape = tensor["shape"]
    (w0, m0, v0, a0), (w1, m1, v1, a1) = before[:, begin:end], after[:, begin:end]
    off["average"] = max(off["average"], np.abs(a1 - (a0 + (1 - keep) * (w1 - a0))).max())
    if ".layers." in name and len(shape) == 2:
        # Of what Nesterov's momentum gives the directions, all made about as long as one another.
        counts["Muon"] += 1
        step = ((w0 - w1) / muon - DECAY * w0).reshape(shape) / max(1, shape[0] / shape[1]) ** 0.5
        u, length, v = np.linalg.svd((m1 - MOMENTUM * m0 + MOMENTUM * m1).reshape(shape), full_matrices=False)
        turned = u.T @ step @ v.T
        lengths += list(np.diag(turned)[length > 0.1 * length[0]])
        off["directions"] = max(off["directions"], np.abs(turned - np.diag(np.diag(turned))).max())
        continue
    decay = DECAY if len(shape) > 1 and ("patch_embedding" in name or "projection" in name) else 0
    counts["AdamW"] += 1
    counts["decayed"] += decay > 0
    gradient = (m1 - BETA1 * m0) / (1 - BETA1)  # clipped
    square += (gradient ** 2).sum()
    variance = BETA2 * v0 + (1 - BETA2) * gradient ** 2
    off["variance"] = max(off["variance"], np.abs(v1 - variance).max() / (variance.max() + 1e-30))
    step = m1 / (1 - BETA1 ** (AT + 1)) / (np.sqrt(v1 / (1 - BETA2 ** (AT + 1))) + 1e-8) + decay * w0
    # Weights are floats: of what moves them all that is lost is half a unit in their last place.
    error = np.abs(w0 - w1 - adam * step) - 1.2e-7 * np.abs(w0) - 1e-4 * adam
    off["weights"] = max(off["weights"], error.max())
tap.check(counts["decayed"] == 3 and off["weights"] <= 0, "AdamW's step, %d tensors of which 3 decay: %.1e too far"
          % (counts["AdamW"], off["weights"]))
tap.check(off["variance"] < 1e-5 and square < 1, "its moments; the gradient is cut to a length of 1: %.1e, %.3f"
          % (off["variance"], square ** 0.5))
tap.check(off["average"] < 1e-6, "the running average of the weights: %.1e" % off["average"])
tap.check(counts["Muon"] > 20 and off["directions"] < 0.01 and 0.6 < min(lengths) and max(lengths) < 1.3,
          "Muon's step, %d matrices: %d directions of lengths from %.2f to %.2f, %.1e askew"
          % (counts["Muon"], len(lengths), min(lengths), max(lengths), off["directions"]))
tap.done()
