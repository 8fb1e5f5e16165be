"""The vectors of frames: `clipc watch --embed` stores them, `clipc moments` searches them."""
import json
import os
import signal
import subprocess

import numpy as np

import tap
from watching import clipc, cosines, done, frames, pngs, prompts, start, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()

# ---- --embed -------------------------------------------------------------------------------------------

paths = pngs(frames, "frame")
raw = tmp + "/film.rgb"
open(raw, "wb").write(b"".join(f.tobytes() for f in frames))
R = ["--format", "raw", "--size", "130x98", "--rate", "10"]
tap.run("embed", *paths, "--raw", "--npy", tmp + "/want.npy")
want = np.load(tmp + "/want.npy")
sha = json.loads(tap.run("info", "--json")[1])[0]["sha256"]


def lines(name):
    return [json.loads(x) for x in open(tmp + "/" + name).read().splitlines()]


code, r, err = watch(raw, *R, "--embed", tmp + "/a.npy")
got = np.load(tmp + "/a.npy")
tap.check(code == 0 and err == "" and r == [], "--embed needs no prompts, and then answers with files only: " + err.strip())
tap.check(got.dtype == np.float32 and np.array_equal(got, want), "a row for each frame: the raw vectors of clipc embed")
tap.check(lines("a.jsonl") == [{"source": raw, "frame": i, "timestamp": i / 10, "model": sha} for i in range(5)],
          "beside it a line for each row: " + str(lines("a.jsonl")[1:2]))
code, r, err = watch("one=" + raw, "two=" + raw, *R, *prompts, "--every", "2", "--embed", tmp + "/b.npy", "--skip-similar", "255")
got, told = np.load(tmp + "/b.npy"), lines("b.jsonl")
tap.check(code == 0 and sorted((x["source"], x["frame"]) for x in told) == [(s, n) for s in ("one", "two") for n in (0, 2, 4)] and
          [(x["source"], x["frame"], x["timestamp"]) for x in r] == [(x["source"], x["frame"], x["timestamp"]) for x in told],
          "several sources, one frame of two: lines in the order of the answers")
tap.check(len(got) == 6 and all(np.array_equal(row, want[0]) for row in got), "what --skip-similar leaves out has the vector of before")
code, r, err = watch(tmp + "/frame-*.png", "--embed", tmp + "/c.npy", "--json")
tap.check(code == 0 and r == [[]] and [x["path"] for x in lines("c.jsonl")] == paths, "pictures have their paths; --json is an empty array")
open(tmp + "/frame-001x.png", "wb").write(open(paths[1], "rb").read()[:60])
code, r, err = watch(tmp + "/frame-*.png", "--embed", tmp + "/d.npy")
tap.check(code == 1 and len(r) == 1 and r[0]["frame"] == 2 and [x["frame"] for x in lines("d.jsonl")] == [0, 1, 3, 4, 5] and
          np.array_equal(np.load(tmp + "/d.npy"), want), "a broken picture has no row, and a record that says why")
os.remove(tmp + "/frame-001x.png")
code, r, err = watch(raw, *R, "--changes", "--outliers")
tap.check(code == 0 and len(r) == 5 and r[0]["cosines"] is None and r[0]["changes"] and r[0]["outliers"],
          "--changes and --outliers need no prompts either")
for options, words in (([], "no prompts"), (["--csv", "x.csv", "--embed", "x.npy"], "--csv"), (["--srt", "x", "--embed", "x.npy"], "--srt"),
                       (["--svg", "x", "--embed", "x.npy"], "--svg"), (["--threshold", "0.3", "--embed", "x.npy"], "--threshold"),
                       (["--template", "a {}", "--embed", "x.npy"], "--template"), (["x", "--embed", "x.txt"], ".npy"),
                       (["x", "--embed", ".npy"], ".npy"), (["x", "--embed", tmp + "/.npy"], ".npy"), (["x", "--embed", "-"], ".npy")):
    code, r, err = watch(raw, *R, *options)
    tap.check(code == 2 and words in err and not os.path.exists("x.npy"), "%s is wrong usage: %s" % (" ".join(options), err.strip()[:90]))


def both(name):
    return [os.path.exists(tmp + "/" + name + e) for e in (".npy", ".jsonl")]


os.mkdir(tmp + "/dir.jsonl")
code, _, err = watch(raw, *R, "--embed", tmp + "/dir.npy")
tap.check(code == 1 and "dir.jsonl" in err and not os.path.exists(tmp + "/dir.npy"), "no lines, no array: " + err.strip()[-70:])
code, _, err = watch(raw, *R, "--embed", tmp + "/no/such/x.npy")
tap.check(code == 1 and "no/such/x.npy" in err, "where nothing can be written: " + err.strip()[-70:])
if os.path.exists("/dev/full"):
    os.symlink("/dev/full", tmp + "/full.npy")
    open(tmp + "/full.jsonl", "w").write("kept\n")
    code, _, err = watch(raw, *R, "--embed", tmp + "/full.npy")
    tap.check(code == 1 and "full.npy" in err and open(tmp + "/full.jsonl").read() == "kept\n", "a full disk: the lines of before stay: " + err.strip()[-60:])
open(tmp + "/list.jsonl", "w").write("a red cross\n")
code, _, err = watch(raw, *R, "--prompts", tmp + "/list.jsonl", "--embed", tmp + "/list.npy")
tap.check(code != 0 and open(tmp + "/list.jsonl").read() == "a red cross\n" and both("list") == [False, True],
          "the lines replace nothing that is read: " + err.strip()[-60:])
p = start("-", "--format", "raw", "--size", "130x98", "x", "--embed", tmp + "/cut.npy", stdin=subprocess.PIPE)
p.stdin.write(frames[0].tobytes() * 3)
p.stdin.flush()
for _ in range(3):
    p.stdout.readline()
tap.check(both("cut") == [False, False], "neither is there before both are whole")
p.send_signal(signal.SIGINT)
p.communicate(timeout=20)
tap.check(p.returncode == -signal.SIGINT and np.load(tmp + "/cut.npy").shape == (3, want.shape[1]) and len(lines("cut.jsonl")) == 3,
          "Ctrl-C: both hold what came until then")

tap.check(not [x for x in os.listdir(tmp) if ".part" in x], "nothing is left behind")
done()
