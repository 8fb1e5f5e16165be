"""What `clipc watch` leaves: CSV, subtitles, the picture of scores over time, the view in a terminal, events."""
import csv
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import xml.dom.minidom

import numpy as np

import tap
from watching import clipc, cosines, difference, done, frames, pngs, prompts, start, tmp, watch

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


master, slave = pty.openpty()
p = subprocess.Popen([clipc, "watch", "film=" + raw] + R + prompts, stdout=slave, stderr=subprocess.PIPE)
os.close(slave)
data = b""
while True:
    try:
        part = os.read(master, 65536)
    except OSError:
        break
    if not part:
        break
    data += part
p.wait()
shown = screen(data)
tap.check(p.returncode == 0 and shown[0].startswith("film  0:02.40  frame 24"), "the view's head: " + shown[0])
last = watch(raw, *R, *prompts)[1][-1]
good = all(re.match(r"  %s +%.1f %%" % (re.escape(n), last["percent"][i]), shown[1 + i]) for i, n in enumerate(prompts))
tap.check(good and not any(shown[5:]), "a bar for each prompt, drawn over and over in one place: " + " | ".join(shown[1:4]))
tap.check(data.count(b"\033[4A") >= 1 or data.count(b"frame") == 1, "later pictures go where the first one stood")
tap.check(not [x for x in os.listdir(tmp) if ".part" in x], "nothing is left behind")
done()
