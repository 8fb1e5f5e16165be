"""The vectors of frames: `clipc watch --embed` stores them, `clipc moments` searches them."""
import json
import math
import os
import shutil
import signal
import subprocess

import numpy as np
from PIL import Image

import tap
from watching import check_nothing_left, clipc, cosines, done, frames, pngs, prompts, start, tmp, watch

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

# ---- moments: a generated film -----------------------------------------------------------------------------

size, ace, red = (160, 120), "an ace of spades playing card", "a red cross"
pictures = {n: Image.open("tests/images/%s.png" % n).convert("RGB").resize((112, 112)) for n in ("ace-of-spades-19", "red-cross-5")}
rng = np.random.default_rng(5)
film, truth = [], {ace: [], red: []}
for name, n in ((None, 25), ("ace-of-spades-19", 30), ("red-cross-5", 40), (None, 20), ("ace-of-spades-19", 18), (None, 60), ("red-cross-5", 12)):
    if name:
        truth[ace if "ace" in name else red].append((len(film), len(film) + n - 1))
    for i in range(n):
        picture = Image.new("RGB", size, (90, 110, 100))
        if name:
            picture.paste(pictures[name].rotate(2 * math.sin(i / 5)), (8 + i % 30, 4))
        film.append(np.clip(np.asarray(picture).astype(int) + rng.integers(-6, 7, (120, 160, 3)), 0, 255).astype(np.uint8))
movie = tmp + "/movie.rgb"
open(movie, "wb").write(b"".join(f.tobytes() for f in film))
source = [movie, "--format", "raw", "--size", "160x120", "--rate", "25"]
if shutil.which("ffmpeg"):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "160x120", "-r", "25", "-i", movie, "-pix_fmt", "yuv420p",
                    tmp + "/movie.mp4"], check=True)
    source = [tmp + "/movie.mp4"]
else:
    tap.skip("no ffmpeg: the film stays raw frames")
code, _, err = watch(*source, "--embed", tmp + "/movie.npy")
tap.check(code == 0 and len(np.load(tmp + "/movie.npy")) == len(film), "a film of %d frames: %s" % (len(film), err.strip()))


def moments(*args):
    """(exit code, records, stderr) of a file in tmp."""
    code, out, err = tap.run("moments", tmp + "/" + args[0], *args[1:], "--jsonl")
    return code, [json.loads(x) for x in out.splitlines()], err


code, r, err = moments("movie.npy", ace, red, "a blue heart")
rows, texts = np.load(tmp + "/movie.npy").astype(float), {}
for p in (ace, red):
    texts[p] = np.array(json.loads(tap.run("embed", "--text", p, "--jsonl")[1])["embedding"])
    cos = rows @ texts[p] / np.linalg.norm(rows, axis=1) / np.linalg.norm(texts[p])
    mine = [x for x in r if x["prompt"] == p]
    found = sorted((x["start_frame"], x["end_frame"]) for x in mine)
    tap.check(code == 0 and len(found) == len(truth[p]) and all(abs(a - c) <= 2 and abs(b - d) <= 2 for (a, b), (c, d) in zip(found, truth[p])),
              "%s: %s of %s" % (p, found, truth[p]))
    good = all(abs(x["peak"] - cos[x["start_frame"]:x["end_frame"] + 1].max()) < 1e-6 and abs(cos[x["best_frame"]] - x["peak"]) < 1e-6 and
               abs(x["score"] - cos[x["start_frame"]:x["end_frame"] + 1].mean()) < 1e-6 and x["source"] == source[0] and
               [x["start"], x["end"], x["peak_timestamp"]] == [x["start_frame"] / 25, x["end_frame"] / 25, x["best_frame"] / 25] for x in mine)
    tap.check(good and [x["score"] for x in mine] == sorted([x["score"] for x in mine], reverse=True), "peak and score by numpy's cosines, the best first")
tap.check([x for x in r if x["prompt"] == "a blue heart"] == [], "what the film never shows has no moments")
code, r2, err = moments("movie.npy", ace, red, "--top", "1")
tap.check([x["prompt"] for x in r2] == [ace, red] and all(x in r for x in r2) and r2[0] == r[0], "--top 1: the best of each")
code, out, err = tap.run("moments", tmp + "/movie.npy", ace, "a blue heart")
shown = out.decode().split("\n\n")
tap.check(shown[0].split("\n")[0] == ace and len(shown[0].split("\n")) == 3 and "nothing stands out" in shown[1] and
          "frame %d" % r[0]["best_frame"] in shown[0].split("\n")[1] and "0:0%.2f -" % r[0]["start"] in shown[0], "the table: " + shown[0].split("\n")[1])
code, out, err = tap.run("moments", tmp + "/movie.npy", ace, "--json")
tap.check(json.loads(out) == [x for x in r if x["prompt"] == ace], "--json: one array of the same")
code, r2, err = moments("movie.npy", "ace of spades", "--template", "an {} playing card")
tap.check(code == 0 and [(x["start"], x["score"]) for x in r2] == [(x["start"], x["score"]) for x in r if x["prompt"] == ace], "--template")
open(tmp + "/two", "w").write(ace + "\n" + red + "\n")
tap.check(moments("movie.npy", "--prompts", tmp + "/two")[1] == r, "--prompts")

# ---- moments: the rules, on vectors made to have given cosines --------------------------------------------

text = texts[red] / np.linalg.norm(texts[red])
side = np.zeros_like(text)
side[0] = 1
side -= text * (side @ text)
side /= np.linalg.norm(side)


def store(name, cosines, times=None, source=lambda i: "s", model=sha):
    """Vectors with these cosines with "a red cross", of length 1 to 4."""
    c = np.asarray(cosines, float)
    v = (c[:, None] * text + np.sqrt(1 - c ** 2)[:, None] * side) * (1 + np.arange(len(c)) % 4)[:, None]
    np.save(tmp + "/%s.npy" % name, v.reshape(len(c), len(text)).astype(np.float32))
    with open(tmp + "/%s.jsonl" % name, "w") as f:
        for i in range(len(c)):
            f.write(json.dumps({"source": source(i), "frame": i, "timestamp": i / 10 if times is None else times[i], "model": model}) + "\n")


def ranges(name, *options):
    code, r, err = moments(name + ".npy", red, *options)
    return sorted((x["start_frame"], x["end_frame"]) for x in r) if code == 0 else err


def oracle(c, low=0.15, high=0.5, smooth=1, gap=0.5, least=0, threshold=None):
    """The rules of the help again."""
    n, half = len(c), smooth // 2
    s = np.array([np.mean(c[max(0, i - half):i + half + 1]) for i in range(n)])
    ranges = []
    if threshold is not None:
        on = np.flatnonzero(s >= threshold)
        ranges = [(g[0], g[-1]) for g in np.split(on, np.flatnonzero(np.diff(on) > 1) + 1) if len(g)]
    else:
        x = np.sort(s)
        rise = (high - low) / 10
        splits = [(x[:i].var() * i + x[i:].var() * (n - i), i) for i in range(1, n)]
        i = min(splits)[1] if splits else 0
        if splits and x[i:].mean() - x[:i].mean() >= max(4 * np.sqrt(min(splits)[0] / n), rise):
            ground, noise = x[:i].mean(), x[:i].std()
        else:
            ground = np.median(x)
            noise = 1.4826 * np.median(np.abs(x - ground))
        if ground >= (low + high) / 2:
            ground, noise = low, 0
        taken = np.zeros(n + 2, bool)
        for i in np.argsort(-s, kind="stable"):
            if s[i] < max(ground + max(rise, 4 * noise), low + rise):
                break
            if taken[i + 1]:
                continue
            if taken[i] or taken[i + 2]:
                taken[i + 1] = True
                continue
            a = b = i
            level = ground + (s[i] - ground) / 2
            while a > 0 and not taken[a] and s[a - 1] >= level:
                a -= 1
            while b < n - 1 and not taken[b + 2] and s[b + 1] >= level:
                b += 1
            taken[a + 1:b + 2] = True
            ranges.append((a, b))
    joined = []
    for a, b in sorted(ranges):
        if joined and (a == joined[-1][1] + 1 or (a - joined[-1][1]) / 10 < gap):
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return [(a, b) for a, b in joined if (b - a) / 10 >= least - 1e-6]


store("none", [])
store("one", [0.4])
store("low", [0.2])
tap.check([ranges(n) for n in ("none", "one", "low")] == [[], [(0, 0)], []], "of no frame no moments; one frame counts by the model's range")
noise = rng.normal(0, 0.02, 2000)
store("noise", 0.05 + noise)
tap.check(ranges("noise") == [], "noise has no moments")
steps = noise + np.repeat([0.02, 0.45, 0.02, 0.3, 0.02], [500, 400, 300, 200, 600])
store("steps", steps)
tap.check(ranges("steps") == [(500, 899), (1200, 1399)], "two heights, each with its own half: " + str(ranges("steps")))
rare = noise + 0.02
rare[1000:1012] += 0.3
store("rare", rare)
tap.check(ranges("rare") == [(1000, 1011)], "12 frames of 2000: " + str(ranges("rare")))
mostly = noise + 0.45
mostly[700:800] -= 0.4
store("mostly", mostly)
tap.check(ranges("mostly") == [(0, 699), (800, 1999)], "there but for 100 frames: " + str(ranges("mostly")))
store("always", noise + 0.45)
tap.check(ranges("always") == [(0, 1999)], "there all the time")
ramp = np.interp(np.arange(300), [0, 100, 150, 200, 299], [0, 0, 0.4, 0, 0])
store("ramp", ramp)
tap.check(len(ranges("ramp")) == 1 and np.abs(np.array(ranges("ramp")[0]) - (125, 175)).max() <= 2, "a slope up and down: from half height to half height, once: " + str(ranges("ramp")))
holes = np.tile([0.4] * 10 + [0.0] * 3, 6)
store("holes", holes)
tap.check([ranges("holes", "--gap", g) for g in ("0.3", "0.41", "0")] == [[(13 * k, 13 * k + 9) for k in range(6)], [(0, 74)], [(13 * k, 13 * k + 9) for k in range(6)]],
          "--gap joins what is nearer")
spike = np.where(np.arange(200) % 50 == 20, 0.4, 0.0)
store("spike", spike)
tap.check([len(ranges("spike", *o)) for o in ([], ["--smooth", "15"], ["--min-duration", "0.1"], ["--threshold", "0.41"], ["--threshold", "60%"])] ==
          [4, 0, 0, 0, 4], "--smooth, --min-duration and --threshold leave single frames out")
store("two", np.r_[steps, rare], times=[i % 2000 / 10 for i in range(4000)], source=lambda i: "ab"[i // 2000])
code, r, err = moments("two.npy", red)
tap.check(sorted((x["source"], x["start_frame"], x["end_frame"]) for x in r) == [("a", 500, 899), ("a", 1200, 1399), ("b", 3000, 3011)] and
          r[0]["source"] == "a" and r[1]["source"] == "b", "two sources by themselves, their moments in one order")
wrong = []
for k in range(30):
    r = np.random.default_rng(k)
    c = np.repeat(r.uniform(-0.1, 0.5, 12), r.integers(3, 60, 12))
    c = np.clip(c + r.normal(0, r.choice([0.001, 0.01, 0.04]), len(c)), -1, 1).astype(np.float32).astype(float)
    o = {"smooth": int(r.choice([1, 4, 9])), "gap": float(r.choice([0, 0.5, 2])), "least": float(r.choice([0, 0.3]))}
    o["threshold"] = float(r.uniform(0, 0.5)) if k % 3 == 0 else None
    store("random", c)
    got = ranges("random", "--smooth", o["smooth"], "--gap", o["gap"], "--min-duration", o["least"], *(["--threshold", o["threshold"]] if k % 3 == 0 else []))
    wrong += [] if got == oracle(c, **o) else [(k, o, got, oracle(c, **o))]
tap.check(not wrong, "30 random films: the rules written again say the same %s" % wrong[:1])

# ---- moments: what is refused ----------------------------------------------------------------------------

store("good", steps[:20])
good = open(tmp + "/good.jsonl").read()


def refused(words, what, name="bad"):
    code, r, err = moments(name + ".npy", red)
    tap.check(code == 1 and r == [] and words in err, "refused: %s: %s" % (what, err.strip()[-110:]))


def lines_as(text):
    shutil.copy(tmp + "/good.npy", tmp + "/bad.npy")
    open(tmp + "/bad.jsonl", "w").write(text)


for text_, words, what in ((good.replace(sha, "0" * 64), "another model", "vectors of another model"),
                           (good[::-1].replace(sha[::-1], "0" * 64, 1)[::-1], "line 20", "one line of another model"),
                           (good.replace('"model"', '"x"', 1), '"model"', "a line without a model"), ("\n".join(good.split("\n")[1:]), "20 rows", "a line less"),
                           (good + good.split("\n")[-2], "20 rows", "a line more"), ("", "20 rows", "no lines"), (good.replace("{", "", 1), "line 1", "no JSON"),
                           (good.replace("{", "[{", 1).replace("}", "}]", 1), "line 1", "no object"), (good.replace('"frame": 3,', '"frame": "3",'), "line 4", "a frame in words"),
                           (good.replace('"frame": 3,', '"frame": -3,'), "line 4", "a frame below 0"), (good.replace('"timestamp": 0.3', '"timestamp": null'), "line 4", "no time"),
                           (good.replace('"timestamp": 0.3', '"timestamp": 1e999'), "line 4", "an endless time"),
                           (good.replace('"timestamp": 0.3', '"timestamp": 1.55'), "frame 4", "time that goes back"), (good.replace('"source": "s"', '"source": 7', 1), "line 1", "no source")):
    lines_as(text_)
    refused(words, what)
os.remove(tmp + "/bad.jsonl")
refused("watch --embed", "no lines")
os.remove(tmp + "/bad.npy")
refused("bad.npy: No such file", "no array")
array = np.load(tmp + "/good.npy")
for data, words, what in ((array[:, :-1], "%d floats" % (array.shape[1] - 1), "narrower vectors"), (array[0], "no vectors", "one dimension"),
                          (array.astype(int), "no vectors", "whole numbers"), (np.where(np.arange(20)[:, None] == 7, np.nan, array), "row 7", "a row of NaN"),
                          (array[:-1], "19 rows", "a row less")):
    np.save(tmp + "/bad.npy", data)
    open(tmp + "/bad.jsonl", "w").write(good)
    refused(words, what)
for data, what in ((open(tmp + "/good.npy", "rb").read()[:-7], "an array cut short"), (b"", "an empty file"), (b"\x93NUMPY" + bytes(200), "no array")):
    open(tmp + "/bad.npy", "wb").write(data)
    refused("bad.npy", what)
for args, words in (([], "no file"), ([tmp + "/good.npy"], "no prompts"), ([tmp + "/good.jsonl", red], ".npy"), ([tmp + "/good.npy", red, "--threshold", "x"], "--threshold"),
                    ([tmp + "/good.npy", red, "--gap", "-1"], "--gap"), ([tmp + "/good.npy", red, "--min-duration", "nan"], "--min-duration"),
                    ([tmp + "/good.npy", red, "--template", "x"], "--template"), ([tmp + "/good.npy", red, "--json", "--jsonl"], "--json")):
    code, out, err = tap.run("moments", *args)
    tap.check(code == 2 and words in err and out == b"", "moments %s is wrong usage" % " ".join(args[1:]))

check_nothing_left()
done()
