"""What `clipc watch` draws on the frames: the film of -o, decoded and measured by ffmpeg and numpy."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
from PIL import Image

import tap
from watching import check_nothing_left, clipc, done, fake_ffmpeg, prompts, start, tmp, watch

missing = ("no embedded model (make train-demo)" if not os.path.exists("weights/demo.clipc") else
           "no ffmpeg (apt-get install ffmpeg)" if not shutil.which("ffmpeg") else
           "built without libass (apt-get install libass-dev)"
           if not re.search("libass yes", tap.run("info", "--build")[1].decode()) else None)
if missing:
    tap.skip(missing)
    done()
    raise SystemExit
real = shutil.which("ffmpeg")
W, H = 480, 360
colours = [(0x4d, 0xb8, 0xff), (0xff, 0x8c, 0x42), (0x3d, 0xdc, 0x97)]  # of the first prompts' bars


def probe(path):
    """The film's stream, and the time of each frame."""
    text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
                           "stream=codec_name,width,height,duration:frame=pts_time", "-of", "json", path],
                          capture_output=True, text=True).stdout
    found = json.loads(text or "{}")
    if not found.get("streams"):
        return {"codec_name": None, "width": 0, "height": 0, "duration": 0}, []
    return found["streams"][0], [float(f["pts_time"]) for f in found["frames"]]


def decode(path):
    """[frames, height, width, 3]."""
    s, _ = probe(path)
    out = subprocess.run([real, "-v", "error", "-i", path, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                         capture_output=True).stdout
    return np.frombuffer(out, np.uint8).reshape(-1, s["height"], s["width"], 3).astype(int)


# A card that comes and goes in front of a light, then a dark, then a busy background.
def film(n, width, height):
    rng = np.random.default_rng(5)
    card = Image.open("tests/images/ace-of-spades-19.png").convert("RGB").resize((height * 5 // 8, height * 5 // 8))
    for i in range(n):
        light = np.full((height, width, 3), 235 if i < n // 3 else 20)
        busy = np.kron(rng.integers(0, 256, (height // 20 + 1, width // 20 + 1, 3)), np.ones((20, 20, 1)))[:height, :width]
        picture = Image.fromarray(np.uint8(light if i < 2 * n // 3 else busy))
        if i % 9 < 6:
            picture.paste(card, (width // 3, 2))
        yield np.asarray(picture)


source = list(film(27, W, H))
raw = tmp + "/film.rgb"
open(raw, "wb").write(b"".join(f.tobytes() for f in source))
R = ["--format", "raw", "--size", "%dx%d" % (W, H), "--rate", "9"]
out = tmp + "/out.mp4"
code, records, err = watch(raw, *R, *prompts, "--range", "-0.2,0.6", "-o", out)
stream, times = probe(out)
tap.check(code == 0 and len(records) == 27, "a film beside the answers: " + err.strip())
tap.check((stream["width"], stream["height"], stream["codec_name"]) == (W, H, "h264") and len(times) == 27,
          "H.264 of the source's size, all frames: %s" % stream)
tap.check(len(times) == 27 and max(abs(a - r["timestamp"]) for a, r in zip(times, records)) < 1e-4 and
          abs(float(stream["duration"]) - 3) < 1e-3, "at the times of the answers, as long as the source: %s s" % stream["duration"])
frames = decode(out)
above = max(abs(f[:H // 2] - s[:H // 2]).mean() for f, s in zip(frames, source))
tap.check(above < 4, "above the overlay the picture is the source's (mean difference %.2f of 255)" % above)
under = min(abs(f[-90:, 20:200] - s[-90:, 20:200]).mean() for f, s in zip(frames, source))
right = max(abs(f[:, -60:] - s[:, -60:]).mean() for f, s in zip(frames, source))
tap.check(under > 15 and right < 4, "below it is not (%.1f), beside it it is (%.2f)" % (under, right))


def bars(frame):
    """(left, right) of each prompt's bar, in pixels; None: there is none."""
    found = []
    for c in colours:
        near = abs(frame[-90:, :W * 5 // 6] - c).max(axis=2) < 60
        runs = []
        for row in near:
            ends = np.flatnonzero(np.diff(np.concatenate([[0], row, [0]])))  # of runs: begin, end, begin, ...
            runs += [(b - a, a, b) for a, b in zip(ends[::2], ends[1::2]) if b - a > 8 and abs(a - 18) < 3]
        found.append(max(runs)[1:] if runs else None)
    return found


# One frame's bars against another's: lengths are percents, by a line through all of them.
data = [(r["percent"][i], b[1] - b[0]) for f, r in zip(frames, records) for i, b in enumerate(bars(f))
        if b and i < 2 and r["percent"][i] > 4]
p, n = np.array(data, float).T
slope = (p * n).sum() / (p * p).sum()
off = abs(n - slope * p).max()
tap.check(len(data) > 30 and p.max() - p.min() > 40 and off < 4, "a bar's length is its percent: %d bars of %.0f to %.0f %%, "
          "%.2f pixels a percent, at most %.1f pixels off" % (len(data), p.min(), p.max(), slope, off))
bright = [(f[-90:, 20:200].min(axis=2) > 225).sum() for f in frames]
tap.check(min(bright) > 100, "white letters on light, dark and busy pictures: %d pixels or more" % min(bright))

# ---- Text ----------------------------------------------------------------------------------------------

gray = tmp + "/gray.rgb"
open(gray, "wb").write(bytes([128]) * (W * H * 3))


def panel(*labels, stderr=False):
    """The one frame of a gray film under these prompts."""
    code, _, err = watch(gray, *R, *[x for l in labels for x in ("--prompt", l)], "-o", tmp + "/gray.mkv", "--range", "8,9")
    frame = decode(tmp + "/gray.mkv")[0] if code == 0 else np.zeros((H, W, 3), int)
    return (frame, err) if stderr else frame


def has_font(letters):
    return shutil.which("fc-list") and subprocess.run(["fc-list", ":charset=" + " ".join("%x" % ord(c) for c in letters)],
                                                      capture_output=True).stdout.strip()


plain = panel("a red cross")
for name, one, two in (("Greek", "Ένας", "Δύο"), ("Chinese", "红心", "黑桃"), ("Arabic", "قلب", "صليب")):
    if not has_font(one + two):
        tap.skip("%s: no font here has it" % name)
        continue
    a, err = panel(one, stderr=True)
    b, none = panel(two), panel("\U000f1234" * len(one))
    d = [(abs(x - y).max(axis=2) > 60).sum() for x, y in ((a, b), (a, none), (b, none))]
    tap.check(min(d) > 20 and "no font" not in err, "%s is drawn, and not as letters that are missing: %s pixels differ" % (name, d))
_, err = panel("a \U000f1234", stderr=True)
tap.check("no font here" in err, "letters that no font has are said: " + err.strip()[-90:])
long = panel("a very long prompt " * 40)
wide = np.flatnonzero((abs(long - 128).max(axis=2) > 12).any(axis=0))
tap.check(wide.max() < W - 3 and wide.max() > W // 2, "a long prompt ends within the picture: %d of %d" % (wide.max(), W))
for text in ("{\\pos(10,10)\\fs90}x", "a\\Nb\\nc", "{", "}\\", "a\nb\033[2J", "%s%n", "<b>"):
    got = panel(text)
    top = np.flatnonzero((abs(got - 128).max(axis=2) > 12).any(axis=1)).min()
    want = np.flatnonzero((abs(plain - 128).max(axis=2) > 12).any(axis=1)).min()
    tap.check(top == want, "%r is letters and no command: the panel begins at row %d" % (text, top))

# ---- Sizes ---------------------------------------------------------------------------------------------

for size, want in (((321, 241), (322, 242)), ((160, 120), (160, 120)), ((64, 48), (192, 144)), ((1920, 1080), (1920, 1080)),
                   ((9, 400), (10, 400)), ((2, 2), (120, 120)), ((4400, 2200), (4096, 2048))):
    path = tmp + "/size.rgb"
    pictures = list(film(3, *size)) if min(size) > 20 else [np.full((size[1], size[0], 3), 90 + i, np.uint8) for i in range(3)]
    open(path, "wb").write(b"".join(f.tobytes() for f in pictures))
    code, r, err = watch(path, "--format", "raw", "--size", "%dx%d" % size, *prompts, "-o", tmp + "/size.mp4")
    s, t = probe(tmp + "/size.mp4")
    tap.check(code == 0 and len(t) == 3 and (s["width"], s["height"]) == want, "%dx%d is a film of %dx%d %s" % (*size, s["width"], s["height"], err.strip()))
    os.path.exists(tmp + "/size.mp4") and os.remove(tmp + "/size.mp4")
os.mkdir(tmp + "/pictures")
for i, size in enumerate([(240, 180), (480, 180), (120, 180), (241, 181), (240, 180)]):
    Image.new("RGB", size, (200, 40 * i, 30)).save(tmp + "/pictures/%d.png" % i)
Image.new("L", (240, 180), 90).save(tmp + "/pictures/8.png")
code, r, err = watch(tmp + "/pictures/*.png", "x", "-o", tmp + "/changing.mov")
f = decode(tmp + "/changing.mov")
tap.check(code == 0 and f.shape == (6, 180, 240, 3), "pictures whose size changes are a film of the first one's: %s" % (f.shape,))
tap.check(f[1][:40].max() < 30 and f[1][60, 120, 0] > 180 and f[2][20, :50].max() < 30 and f[2][20, 120, 0] > 180 and
          abs(f[5][20, 20] - 90).max() < 6, "each whole, as large as it goes, black beside it; gray is gray")

# ---- Some frames, other times, other encoders ----------------------------------------------------------

code, r, err = watch(raw, *R, "x", "-o", tmp + "/some.mp4", "--every", "4")
s, t = probe(tmp + "/some.mp4")
tap.check([round(x, 3) for x in t] == [round(4 * k / 9, 3) for k in range(7)] and abs(float(s["duration"]) - 7 * 4 / 9) < 1e-3,
          "--every 4: each frame at its own time: %s" % t)
env = fake_ffmpeg("#!/bin/sh\ncase \"$*\" in *-encoders*) %s \"$@\" | grep -v 264 ;; *) exec %s \"$@\" ;; esac\n" % (real, real))
code, r, err = watch(raw, *R, "x", "-o", tmp + "/old.MP4", env=env)
s, t = probe(tmp + "/old.MP4")
tap.check(code == 0 and s["codec_name"] == "mpeg4" and len(t) == 27, "an ffmpeg without libx264: %s %s" % (s["codec_name"], err.strip()))

subprocess.run([real, "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "%dx%d" % (W, H), "-r", "30000/1001", "-i", raw,
                tmp + "/odd.mp4"])
subprocess.run([real, "-v", "error", "-i", tmp + "/odd.mp4", "-c", "copy", "-metadata:s:v:0", "rotate=90", tmp + "/turned.mp4"])
os.mkdir(tmp + "/in")
p = subprocess.run([clipc, "watch", "../turned.mp4", "x", "-o", "-odd %03d.mp4"], cwd=tmp + "/in", capture_output=True)
s, t = probe(tmp + "/in/-odd %03d.mp4")
r = [json.loads(line) for line in p.stdout.splitlines()]
tap.check(p.returncode == 0 and (s["width"], s["height"]) == (H, W) and len(t) == len(r) == 27 and
          max(abs(a - x["timestamp"]) for a, x in zip(t, r)) < 2e-5, "a film of 29.97 frames a second that stands upright only when "
          "turned, into a name with a dash and a percent: %dx%d %s" % (s["width"], s["height"], p.stderr.decode().strip()))
camera = """#!%s
import os, sys, time
for i in range(10**6):
    time.sleep(0.03)
    os.write(3, b"frame:%%d pts:%%d pts_time:0\\nclipc=1\\n" %% (i, 30000 * i))
    sys.stdout.buffer.write(b"P6\\n320 240\\n255\\n" + bytes([i %% 200]) * (320 * 240 * 3))
    sys.stdout.buffer.flush()
""" % sys.executable
open(tmp + "/camera", "w").write(camera)
os.chmod(tmp + "/camera", 0o755)
p = start("cam=rtsp://camera/1", "x", "-o", tmp + "/live.mp4",
          env=fake_ffmpeg("#!/bin/sh\ncase \"$*\" in *-encoders*|*-c:v\\ libx264*) exec %s \"$@\" ;; esac\nexec $T/camera\n" % real))
lines = [p.stdout.readline() for _ in range(60)]
p.send_signal(signal.SIGINT)
more, err = p.communicate(timeout=60)
r = [json.loads(line) for line in lines + more.splitlines()]
_, t = probe(tmp + "/live.mp4")
stamps = np.array([x["timestamp"] for x in r])
off = max(abs(stamps - x).min() for x in t) if t else 9
tap.check(p.returncode == 0 and 3 < len(t) <= len(r) and off < 0.002, "a camera until Ctrl-C, which is its end: %d answers, %d frames in the film, "
          "at their times (%.6f s off): %s" % (len(r), len(t), off, err.decode().strip()))

# ---- What goes wrong -----------------------------------------------------------------------------------

code, _, err = watch(raw, *R, "x", "-o", tmp + "/out.txt")
tap.check(code == 2 and ".mkv" in err, "a name that is no film's: " + err.splitlines()[0])
code, _, err = watch(raw, "b=" + raw, *R, "x", "-o", out)
tap.check(code == 2 and "one source" in err, "two sources: " + err.splitlines()[0])
before = open(out, "rb").read()
code, _, err = watch(out, "x", "-o", out)
tap.check(code != 0 and open(out, "rb").read() == before, "no film replaces its source: " + err.strip()[-70:])
code, _, err = watch(raw, *R, "x", "-o", tmp + "/no/such/x.mp4")
tap.check(code == 1 and "no/such" in err, "a folder that is not there: " + err.strip()[-60:])
os.makedirs(tmp + "/empty", exist_ok=True)
code, _, err = watch(raw, *R, "x", "-o", tmp + "/new.mp4", env=dict(os.environ, PATH=tmp + "/empty"))
tap.check(code == 1 and "apt-get install ffmpeg" in err and not os.path.exists(tmp + "/new.mp4"), "no ffmpeg: " + err.strip()[-90:])
full = "#!/bin/sh\ncase \"$*\" in *-encoders*) exec %s \"$@\" ;; esac\nhead -c 700000 > /dev/null\necho 'x.mp4: No space left on device' >&2\nexit 1\n"
code, r, err = watch(raw, *R, "x", "-o", tmp + "/new.mp4", env=fake_ffmpeg(full % real))
tap.check(code == 1 and len(r) == 27 and "No space left on device" in err and not os.path.exists(tmp + "/new.mp4"),
          "an encoder that fails: all answers, no film: " + err.splitlines()[0])
began = time.time()
code, r, err = watch(raw, *R, "x", "-o", tmp + "/new.mp4", "--timeout", "1",
                     env=fake_ffmpeg("#!/bin/sh\ncase \"$*\" in *-encoders*) exec %s \"$@\" ;; esac\nsleep 60\n" % real))
tap.check(code == 1 and len(r) == 27 and time.time() - began < 15 and "did nothing for 1 s" in err, "one that hangs: " + err.splitlines()[0])
p = start("-", *R[:4], "x", "-o", tmp + "/cut.mp4", stdin=subprocess.PIPE)
p.stdin.write(b"".join(f.tobytes() for f in source[:5]))
p.stdin.flush()
for _ in range(5):
    p.stdout.readline()
p.send_signal(signal.SIGINT)
p.communicate(timeout=30)
tap.check(p.returncode == -signal.SIGINT and len(probe(tmp + "/cut.mp4")[1]) == 5, "Ctrl-C: what came until then is a film of %d frames" %
          len(probe(tmp + "/cut.mp4")[1]))
p = start("-", *R, "x", "-o", tmp + "/pause.mp4", stdin=subprocess.PIPE)
for f in source[:3]:
    p.stdin.write(f.tobytes())
    p.stdin.flush()
    p.stdout.readline()
    time.sleep(0.7)
p.communicate(timeout=60)
stream, times = probe(tmp + "/pause.mp4")
tap.check(p.returncode == 0 and len(times) == 3 and abs(float(stream["duration"]) - 3 / 9) < 1e-3,
          "frames that come late have their own times, and the last one its length: %s, %s s" % (times, stream["duration"]))
code, r, err = watch("-", *R[:4], "x", "-o", tmp + "/none.mp4", input=b"")
tap.check(code == 1 and "no frame" in err and not os.path.exists(tmp + "/none.mp4"), "no frame, no film: " + err.strip())

# ---- An encoder that is slow ---------------------------------------------------------------------------

slow = fake_ffmpeg("#!/bin/sh\ncase \"$*\" in *-encoders*) exec %s \"$@\" ;; esac\nsleep 2.5\nexec %s \"$@\"\n" % (real, real))
code, r, err = watch(raw, *R, "x", "-o", tmp + "/slow.mp4", env=slow)
tap.check(code == 0 and len(probe(tmp + "/slow.mp4")[1]) == 27, "a file waits for it: all frames are in the film")
code, r, err = watch(raw, *R, "x", "-o", tmp + "/slow.mp4", "--realtime", env=slow)
taken = len(probe(tmp + "/slow.mp4")[1])
late = max(x["latency"] for x in r)
tap.check(code == 0 and len(r) + r[-1]["dropped"] == 27 and len(r) > 20 and late < 1 and 4 <= taken < len(r) and
          "%d frames" % (len(r) - taken) in err, "live frames do not: %d answers, the slowest %.2f s, %d in the film: %s" % (len(r), late, taken, err.strip()))
check_nothing_left()
done()
