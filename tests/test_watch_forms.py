"""What `clipc watch` leaves: CSV, subtitles, the picture of scores over time, the view in a terminal, events."""
import csv
import json
import os
import re
import select
import signal
import subprocess
import time
import xml.dom.minidom

import numpy as np
from PIL import Image

import tap
from watching import check_nothing_left, clipc, cosines, difference, done, frames, in_terminal, pngs, prompts, start, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()
raw = tmp + "/film.rgb"
open(raw, "wb").write(b"".join(f.tobytes() for f in frames for _ in range(5)))
R = ["--format", "raw", "--size", "130x98", "--rate", "10"]
names = prompts + ['a "quoted", odd <&> one']
code, r, err = watch(raw, *R, *names, "--csv", tmp + "/a.csv", "--srt", tmp + "/a.srt", "--svg", tmp + "/a.svg")
tap.check(code == 0 and len(r) == 25, "three files beside the answers: " + err.strip())

# ---- CSV: Python's reader ------------------------------------------------------------------------------

rows = list(csv.reader(open(tmp + "/a.csv", newline="", encoding="utf-8")))
tap.check(rows[0] == ["source", "frame", "timestamp"] + names and len(rows) == 26, "csv: a head, a row for each frame")
tap.check(all(row[0] == raw and int(row[1]) == x["frame"] and float(row[2]) == x["timestamp"] and
              [float(c) for c in row[3:]] == x["cosines"] for row, x in zip(rows[1:], r)), "csv: the numbers of the answers")

# ---- SRT -----------------------------------------------------------------------------------------------


def seconds(text):
    h, m, s = text.replace(",", ".").split(":")
    return 3600 * int(h) + 60 * int(m) + float(s)


cues = []
for i, cue in enumerate(open(tmp + "/a.srt", newline="").read().split("\r\n\r\n")[:-1]):
    lines = cue.split("\r\n")
    begin, end = lines[1].split(" --> ")
    cues.append((int(lines[0]), seconds(begin), seconds(end), lines[2:]))
tap.check([c[0] for c in cues] == list(range(1, len(cues) + 1)) and cues[0][1] == 0 and abs(cues[-1][2] - 2.5) < 1e-6 and
          all(a[2] == b[1] for a, b in zip(cues, cues[1:])), "srt: cues numbered, one behind the other, to the end: %d" % len(cues))
good = True
for x in r:
    text = [c[3] for c in cues if c[1] <= x["timestamp"] + 1e-9 < c[2]]
    order = sorted(range(4), key=lambda i: -x["cosines"][i])[:3]
    good &= len(text) == 1 and text[0] == ["%.0f %%  %s" % (x["percent"][i], names[i]) for i in order]
tap.check(good, "srt: at each frame's time its three best prompts with their percent")
tap.check(watch(raw, raw, *R, "x", "--srt", tmp + "/b.srt")[0] == 2, "--srt with two sources is wrong usage")

# ---- SVG -----------------------------------------------------------------------------------------------

doc = xml.dom.minidom.parse(tmp + "/a.svg")
texts = ["".join(n.data for n in t.childNodes) for t in doc.getElementsByTagName("text")]
paths = [p for p in doc.getElementsByTagName("path") if p.getAttribute("stroke-width") == "2"]
tap.check(all(n in texts for n in names) and raw in texts, "svg: well-formed, with its prompts and source: %d texts" % len(texts))
ticks = sorted((float(t.getAttribute("y")) - 4, float("".join(n.data for n in t.childNodes))) for t in doc.getElementsByTagName("text")
               if t.getAttribute("text-anchor") == "end")
scale = np.polyfit([y for y, _ in ticks], [v for _, v in ticks], 1)
worst = 0
for k, path in enumerate(paths):  # drawn last to first
    y = [float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path.getAttribute("d"))]
    worst = max(worst, max(abs(np.polyval(scale, y) - [x["cosines"][len(names) - 1 - k] for x in r])) if len(y) == 25 else 9)
tap.check(len(paths) == 4 and worst < 0.005, "svg: lines at the cosines, by the axis' own labels (%.4f)" % worst)
long = bytes(4 * 4 * 3) * 1100
code, out, err = tap.run("watch", "-", "--format", "raw", "--size", "4x4", "x", "--svg", tmp + "/long.svg", "--skip-similar", "1", input=long)
points = [len(re.findall("[ML]", p.getAttribute("d"))) for p in xml.dom.minidom.parse(tmp + "/long.svg").getElementsByTagName("path")
          if p.getAttribute("stroke-width") == "2"]
tap.check(code == 0 and points == [550] and len(out.splitlines()) == 1100, "svg: 1100 frames are 550 points of 2: %s" % points)

# ---- Files that must not be, and ends ------------------------------------------------------------------

for form in ("csv", "srt", "svg"):
    code, _, err = watch(raw, *R, "x", "--" + form, tmp + "/no/such/x")
    tap.check(code == 1 and "no/such/x" in err, "--%s where nothing can be written: %s" % (form, err.strip()[-60:]))
before = open(raw, "rb").read()
code, _, err = watch(raw, *R, "x", "--csv", raw)
tap.check(code != 0 and open(raw, "rb").read() == before, "no output replaces the source: " + err.strip()[-60:])
if os.path.exists("/dev/full"):
    p = subprocess.run([clipc, "watch", raw] + R + ["x"], stdout=open("/dev/full", "w"), stderr=subprocess.PIPE)
    tap.check(p.returncode == 1 and b"standard output" in p.stderr, "a full disk behind stdout: " + p.stderr.decode().strip())
p = start("-", "--format", "raw", "--size", "130x98", *prompts, "--csv", tmp + "/cut.csv", "--svg", tmp + "/cut.svg", stdin=subprocess.PIPE)
p.stdin.write(frames[0].tobytes() * 3)
p.stdin.flush()
for _ in range(3):
    p.stdout.readline()
p.send_signal(signal.SIGINT)
p.communicate(timeout=20)
tap.check(p.returncode == -signal.SIGINT and len(open(tmp + "/cut.csv").read().splitlines()) == 4 and
          xml.dom.minidom.parse(tmp + "/cut.svg") is not None, "Ctrl-C: the files hold what came until then")

# ---- The terminal --------------------------------------------------------------------------------------


def screen(data, columns=100, rows=30):
    """What a terminal shows after these bytes: the few commands that the view uses."""
    lines, y, x = [[" "] * columns for _ in range(rows)], 0, 0
    for token in re.findall(r"\033\[(\d*)([A-Za-z])|([^\033])", data.decode()):
        number, command, char = token
        if command == "A":
            y -= int(number)
        elif command == "K":
            lines[y][x:] = [" "] * (columns - x)
        elif command == "J":
            lines[y][x:] = [" "] * (columns - x)
            for k in range(y + 1, rows):
                lines[k] = [" "] * columns
        elif char == "\n":
            y += 1
        elif char == "\r":
            x = 0
        elif char:
            lines[y][x] = char
            x += 1
    return ["".join(line).rstrip() for line in lines]


code, data, err = in_terminal("film=" + raw, *R, *prompts)
shown = screen(data)
tap.check(code == 0 and shown[0].startswith("film  0:02.40  frame 24"), "the view's head: " + shown[0])
last = watch(raw, *R, *prompts)[1][-1]
good = all(re.match(r"  %s +%.1f %%" % (re.escape(n), last["percent"][i]), shown[1 + i]) for i, n in enumerate(prompts))
tap.check(good and not any(shown[5:]), "a bar for each prompt, drawn over and over in one place: " + " | ".join(shown[1:4]))
tap.check(data.count(b"\033[4A") >= 1 or data.count(b"frame") == 1, "later pictures go where the first one stood")
# ---- Events --------------------------------------------------------------------------------------------

# A card that comes, moves, is gone and comes again, in noise; which frames have it is known.
size, card = (160, 120), "an ace of spades playing card"
ace = Image.open("tests/images/ace-of-spades-19.png").convert("RGB").resize((112, 112))
cross = Image.open("tests/images/red-cross-5.png").convert("RGB").resize((112, 112))
rng = np.random.default_rng(3)
truth, film = [], []
for picture, n in ((None, 12), (ace, 15), (cross, 14), (ace, 11), (None, 9), (ace, 3), (cross, 12)):
    for i in range(n):
        base = Image.new("RGB", size, (90, 110, 100))
        if picture is not None:
            base.paste(picture, (8 + 2 * (i % 16), 4))
        noise = np.asarray(base).astype(int) + rng.integers(-6, 7, (size[1], size[0], 3))
        film.append(np.clip(noise, 0, 255).astype(np.uint8))
        truth.append(picture is ace)
movie = tmp + "/cards.rgb"
open(movie, "wb").write(b"".join(f.tobytes() for f in film))
C = [movie, "--format", "raw", "--size", "160x120", "--rate", "10"]
code, r, err = watch(*C, card, "a red cross")
scores = np.array([x["cosines"] for x in r])


def expected(values, threshold, hysteresis, least, smooth):
    """Events by their definition: [(first frame, last frame, frame of the peak)]."""
    mean = [np.mean(values[max(0, i - smooth + 1):i + 1]) for i in range(len(values))]
    out, start = [], None
    for i, v in enumerate(mean + [-9]):
        if start is not None and v < threshold - hysteresis:
            if (i - 1 - start) / 10 >= least - 1e-6:
                out.append((start, i - 1, start + int(np.argmax(mean[start:i]))))
            start = None
        if start is None and v >= threshold:
            start = i
    return out


for threshold, hysteresis, least, smooth in ((0.3, 0.05, 0, 1), (0.3, 0, 0.5, 1), (0.25, 0.1, 0.2, 3), (0.45, 0.02, 0, 2), (2, 0, 0, 1)):
    options = ["--threshold", threshold, "--hysteresis", hysteresis, "--smooth", smooth] + (["--min-duration", least] if least else [])
    code, r, err = watch(*C, card, "a red cross", *options)
    for k, prompt in enumerate((card, "a red cross")):
        ends = [x for x in r if x["prompt"] == prompt and x["event"] == "end"]
        begins = [x for x in r if x["prompt"] == prompt and x["event"] == "start"]
        want = expected(scores[:, k], threshold, hysteresis, least, smooth)
        tap.check(code == 0 and [(x["start_frame"], x["end_frame"], x["best_frame"]) for x in ends] == want and
                  [x["start_frame"] for x in begins] == [w[0] for w in want] and
                  all(abs(x["start"] - x["start_frame"] / 10) < 1e-9 and abs(x["end"] - x["end_frame"] / 10) < 1e-9 for x in ends) and
                  all(x["end"] is None for x in begins), "threshold %g, %g, %g s, %d frames: %d events of '%s'" %
                  (threshold, hysteresis, least, smooth, len(want), prompt))
code, r, err = watch(*C, card, "--threshold", "40%", "--min-duration", "0.4")
found = [(x["start_frame"], x["end_frame"]) for x in r if x["event"] == "end"]
runs = [(12, 26), (41, 51)]  # the third, of 3 frames, is too short
hit = set().union(*[range(a, b + 1) for a, b in found]) if found else set()
real = {i for a, b in runs for i in range(a, b + 1)}
precision, recall = len(hit & real) / max(len(hit), 1), len(hit & real) / len(real)
tap.check(len(found) == 2 and precision >= 0.95 and recall >= 0.95 and
          all(abs(a - c) <= 2 and abs(b - d) <= 2 for (a, b), (c, d) in zip(found, runs)),
          "a card that comes twice: %s of %s, precision %.2f, recall %.2f" % (found, runs, precision, recall))
for options in (["--threshold", "x"], ["--threshold", "0.3", "--hysteresis", "y"]):
    tap.check(watch(*C, card, *options)[0] == 1, " ".join(options) + " is refused")
tap.check(watch(*C, card, "--smooth", "3")[0] == 2 and watch(*C, card, "--on-event", "true")[0] == 2, "without --threshold they are wrong usage")

script = tmp + "/hook"
open(script, "w").write("#!/bin/sh\n{ printf '%%s|' \"$@\"; cat; } >> %s/heard\n" % tmp)
os.chmod(script, 0o755)
H = ["--threshold", "0.3", "--on-event", script]
code, r, err = watch(*C, card, *H, "--on-event", "$(id); a  b", "--on-event", "--x", "--cooldown", "0.000001")
heard = open(tmp + "/heard").read().splitlines()
tap.check(code == 0 and len(heard) == len(r) > 1 and all(h.startswith("$(id); a  b|--x|{") for h in heard) and
          [json.loads(h[h.index("{"):]) for h in heard] == r, "--on-event: each event on its stdin, its arguments as they are, no shell")
os.remove(tmp + "/heard")
code, r2, err = watch(*C, card, *H, "--cooldown", "1000")
tap.check(code == 0 and len(open(tmp + "/heard").read().splitlines()) == 1 and "%d events were left out" % (len(r) - 1) in err,
          "--cooldown: once, the others are counted: " + err.strip())
code, r2, err = watch(*C, card, "--threshold", "0.3", "--on-event", tmp + "/nothing")
tap.check(code == 1 and "there is no program" in err and r2 == r, "no such program: an error, the answers are all there")
code, r2, err = watch(*C, card, "--threshold", "0.3", "--on-event", "false", "--cooldown", "0.000001")
tap.check(code == 1 and "failed with status 1" in err and r2 == r, "a program that fails: " + err.splitlines()[0])
open(script, "w").write("#!/bin/sh\necho $$ > %s/hookpid\nsleep 1000 & sleep 1000\n" % tmp)
begun = time.time()
code, r2, err = watch(*C, card, "--threshold", "0.3", "--on-event", script, "--cooldown", "1000")
left = []  # of its process group, but for those that are dead and that nobody has waited for
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        state, _, group = open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()[:3]
    except OSError:
        continue
    left += [pid] if group == open(tmp + "/hookpid").read().strip() and state != "Z" else []
tap.check(code == 1 and "did not end" in err and r2 == r and not left and time.time() - begun < 60,
          "one that never ends is killed, and what it started: " + err.strip()[-60:])

check_nothing_left()
done()
