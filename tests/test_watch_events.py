"""Events of `clipc watch` over a film whose times are known: cards and shapes that come by cuts, move, turn and
leave, in noise; what is kept of them (--save-frames)."""
import os
import subprocess

import numpy as np
from PIL import Image

import tap
from watching import check_nothing_left, clipc, done, start, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()

# ---- The film ------------------------------------------------------------------------------------------

size, rate, rng = (192, 144), 25, np.random.default_rng(11)
prompts = {"ace-of-spades-19": "an ace of spades playing card", "red-cross-5": "a red cross",
           "blue-heart-1": "a blue heart", "jack-of-hearts-15": "a jack of hearts playing card"}
# What is there, for how many frames, before which colour; how far it turns (degrees) and moves (pixels).
scenes = [(None, 20, (90, 110, 100), 0, 0), ("ace-of-spades-19", 30, (90, 110, 100), 20, 15),
          ("red-cross-5", 25, (60, 60, 80), 30, 20), ("ace-of-spades-19", 25, (200, 200, 190), 25, 10),
          (None, 15, (200, 200, 190), 0, 0), ("jack-of-hearts-15", 25, (120, 90, 60), 15, 15),
          ("blue-heart-1", 20, (30, 30, 30), 40, 15), ("ace-of-spades-19", 22, (30, 30, 30), 20, 15),
          ("red-cross-5", 20, (30, 60, 30), 40, 15)]
film, truth = [], {p: [] for p in prompts.values()}
for name, n, colour, turn, way in scenes:
    if name is not None:
        card = Image.open("tests/images/%s.png" % name).convert("RGB").resize((120, 120)).convert("RGBA")
        truth[prompts[name]].append((len(film), len(film) + n - 1))
    for i in range(n):
        base = Image.new("RGB", size, colour)
        if name is not None:
            c = card.rotate(turn * np.sin(i / 6), resample=Image.BICUBIC, expand=True)
            base.paste(c, (int((size[0] - c.width) / 2 + way * np.sin(i / 5)), int((size[1] - c.height) / 2 + way / 3 * np.cos(i / 7))), c)
        film.append(np.clip(np.asarray(base).astype(int) + rng.integers(-8, 9, (size[1], size[0], 3)), 0, 255).astype(np.uint8))
raw = tmp + "/film.rgb"
open(raw, "wb").write(b"".join(f.tobytes() for f in film))
R = [raw, "--format", "raw", "--size", "%dx%d" % size, "--rate", rate]
P = list(prompts.values())
n_events = sum(len(t) for t in truth.values())


def judge(records, what):
    """Precision and recall over frames, and every start and end within two frames."""
    found, inside, right, real = 0, 0, 0, 0
    for prompt, runs in truth.items():
        mine = [(x["start_frame"], x["end_frame"]) for x in records if x["event"] == "end" and x["prompt"] == prompt]
        found += len(mine) == len(runs) and all(abs(a - c) <= 2 and abs(b - d) <= 2 for (a, b), (c, d) in zip(mine, runs))
        hit = {i for a, b in mine for i in range(a, b + 1)}
        is_there = {i for a, b in runs for i in range(a, b + 1)}
        inside, right, real = inside + len(hit), right + len(hit & is_there), real + len(is_there)
    tap.check(found == len(truth) and right / max(inside, 1) >= 0.95 and right / real >= 0.95,
              "%s: %d of %d prompts within 2 frames, precision %.3f, recall %.3f" %
              (what, found, len(truth), right / max(inside, 1), right / real))


T = ["--threshold", "30%", "--min-duration", "0.2"]
code, r, err = watch(*R, *P, *T)
judge(r, "raw frames")
code, r, err = watch(*R, *P, *T, "--smooth", "2")
judge(r, "the mean of two frames")
movie = tmp + "/film.mp4"
made = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "%dx%d" % size, "-r", str(rate),
                       "-i", raw, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-y", movie]).returncode == 0
if made:
    code, r, err = watch(movie, *P, *T)
    judge(r, "H.264")
else:
    tap.skip("H.264: no ffmpeg with libx264")
tap.check(all(abs(x["start"] - x["start_frame"] / rate) < 1e-5 and abs(x["end"] - x["end_frame"] / rate) < 1e-5 for x in r if x["event"] == "end"),
          "times are those of the frames")

# ---- --save-frames -------------------------------------------------------------------------------------

kept = tmp + "/kept"
code, r, err = watch(*R, *P, *T, "--save-frames", kept)
ends = [x for x in r if x["event"] == "end"]
tap.check(code == 0 and len(ends) == n_events and sorted(os.listdir(kept)) == sorted(os.path.basename(x["frame_file"]) for x in ends) and
          all(x["frame_file"] is None for x in r if x["event"] == "start"), "--save-frames: a file for each event, named in its end: " + err.strip())
worst, mine = 0, True
for x in ends:
    picture = np.asarray(Image.open(x["frame_file"]).convert("RGB")).astype(int)
    distances = [np.abs(picture - f).mean() for f in film]
    mine &= int(np.argmin(distances)) == x["best_frame"]
    worst = max(worst, min(distances))
tap.check(mine and worst < 6, "each is the frame of the event's peak: differs by %.1f at most" % worst)
first = next(x for x in ends if x["prompt"] == P[0])
name, ending = os.path.splitext(first["frame_file"])
tap.check(name == kept + "/film.rgb_000000.800s_an-ace-of-spades-playing-card", "its name: source, start, prompt: " + first["frame_file"])
before = {n: open(kept + "/" + n, "rb").read() for n in os.listdir(kept)}
code, r2, err = watch(*R, *P, *T, "--save-frames", kept)
tap.check(code == 0 and all(open(kept + "/" + n, "rb").read() == b for n, b in before.items()) and len(os.listdir(kept)) == 2 * n_events and
          all(os.path.splitext(x["frame_file"])[0].endswith("-2") for x in r2 if x["event"] == "end"), "a second run replaces nothing")
both = [start(*R, *P, *T, "--save-frames", tmp + "/both") for _ in range(4)]
tap.check(all(p.communicate() and p.returncode == 0 for p in both) and len(os.listdir(tmp + "/both")) == 4 * n_events, "nor do four at once")
gray = tmp + "/film.gray"
open(gray, "wb").write(b"".join(np.asarray(Image.fromarray(f).convert("L")).tobytes() for f in film[:40]))
odd = ["../x/ a\tb", "Ένας άσσος"]
code, r, err = watch("cam_1=" + gray, "--format", "gray", "--size", "%dx%d" % size, *odd, "--threshold", "-1", "--save-frames", tmp + "/gray")
files = sorted(x["frame_file"] for x in r if x["event"] == "end")
tap.check(files == [tmp + "/gray/cam-1_000000.000s_%s%s" % (s, ending) for s in ("prompt-2", "x-a-b")] and
          all(Image.open(f).mode == "L" for f in files), "gray stays gray; of a name only what is safe: " + " ".join(os.path.basename(f) for f in files))
code, r, err = watch(*R, P[0], "--threshold", "30%", "--min-duration", "100", "--save-frames", tmp + "/none")
tap.check(code == 0 and r == [] and os.listdir(tmp + "/none") == [], "what is too short to be an event leaves no file")
open(tmp + "/file", "w").close()
for folder in (tmp + "/file", tmp + "/no/such"):
    code, r, err = watch(*R, P[0], *T, "--save-frames", folder)
    tap.check(code == 1 and r == [] and folder in err, "no folder to write to: " + err.strip())
tap.check(watch(*R, P[0], "--save-frames", kept)[0] == 2, "--save-frames without --threshold is wrong usage")
code, r, err = watch(kept, "x", *T, "--save-frames", kept + "/.")
tap.check(code == 2 and "is a source" in err, "a watched folder is not written to: " + err.strip()[:90])

check_nothing_left()
done()
