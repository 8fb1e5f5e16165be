"""What a large JPEG costs from file to pixels, beside libjpeg-turbo's own decoding (the program djpeg): CPU time, the
least of some runs; and what --fast-decode saves, and costs in the vectors.  Prints, asserts nothing.

usage: python3 tests/time_jpeg.py [FILE.jpg]      (djpeg: apt-get install libjpeg-turbo-progs)"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

import tap

tmp = tempfile.TemporaryDirectory()


def noise(width, height, name):
    """A photograph's worth of detail: noise of 10 pixels' size."""
    small = np.random.default_rng(0).integers(0, 256, (height // 10 or 1, width // 10 or 1, 3), np.uint8)
    Image.fromarray(small).resize((width, height), Image.BICUBIC).save(tmp.name + name, quality=90)
    return tmp.name + name


def cost(*command):
    """Milliseconds of CPU of the cheapest run."""
    runs = []
    for _ in range(15):
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
        _, status, used = os.wait4(pid, 0)
        assert status == 0, command
        runs.append(1e3 * (used.ru_utime + used.ru_stime))
    return min(runs)


large = sys.argv[1] if len(sys.argv) > 1 else noise(4000, 3000, "/large.jpg")
start = cost(tap.clipc, "preprocess", noise(8, 8, "/small.jpg"), "--npy", os.devnull)
ours = cost(tap.clipc, "preprocess", large, "--npy", os.devnull)
print("%s: %d x %d, %d KB" % (os.path.basename(large), *Image.open(large).size, os.path.getsize(large) >> 10))
print("clipc preprocess: %.1f ms, %.1f of them its start" % (ours, start))
try:
    theirs = cost("djpeg", "-outfile", os.devnull, large)
    print("djpeg: %.1f ms; clipc without its start takes %.2f times as long" % (theirs, (ours - start) / theirs))
except FileNotFoundError:
    print("no djpeg here (apt-get install libjpeg-turbo-progs)")

fast = cost(tap.clipc, "preprocess", large, "--npy", os.devnull, "--fast-decode")
print("clipc preprocess --fast-decode: %.1f ms, %.1f times as fast" % (fast, ours / fast))


def vectors(paths, *options):
    lines = subprocess.run([tap.clipc, "embed", *paths, "--jsonl", *options], stdout=subprocess.PIPE, check=True).stdout
    x = np.array([json.loads(line)["embedding"] for line in lines.splitlines()])
    return x / np.linalg.norm(x, axis=1, keepdims=True)


# The cards and shapes of tests/images in photographs' size, which changes their vectors a little too.
paths = []
for name in sorted(os.listdir("tests/images")):
    if name.endswith((".png", ".jpg")):
        paths.append(tmp.name + "/" + name + ".jpg")
        Image.open("tests/images/" + name).convert("RGB").resize((1500, 1500), Image.BICUBIC).save(paths[-1], quality=90)
print("--fast-decode on %d pictures, embedded model: worst 1 - cosine %.1e" %
      (len(paths), np.max(1 - np.sum(vectors(paths) * vectors(paths, "--fast-decode"), axis=1))))
