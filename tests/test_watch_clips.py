"""Films of events (`clipc watch --save-clips`): playable, of the right frames at their own times, whatever the source;
and what happens when ffmpeg is missing, fails or hangs, and when an interrupt comes while an event goes on."""
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import numpy as np
from PIL import Image

import tap
from watching import check_nothing_left, clipc, done, fake_ffmpeg, start, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()
if shutil.which("ffmpeg") is None or b"libx264" not in subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], stdout=subprocess.PIPE).stdout:
    tap.skip("no ffmpeg with libx264 (apt-get install ffmpeg)")
    done()

card, size, rng = "an ace of spades playing card", (131, 97), np.random.default_rng(5)
ace = Image.open("tests/images/ace-of-spades-19.png").convert("RGB").resize((90, 90))
film, events = [], []
for there, n in ((False, 40), (True, 30), (False, 12), (True, 25), (False, 8)):
    if there:
        events.append((len(film), len(film) + n - 1))
    for i in range(n):
        base = Image.new("RGB", size, (90, 110, 100))
        if there:
            base.paste(ace, (8 + i % 20, 4))
        base.paste((255, 255, 255), (0, 94, 1 + len(film), 97))  # which frame it is
        film.append(np.asarray(base))
raw = tmp + "/film.rgb"
open(raw, "wb").write(b"".join(f.tobytes() for f in film))
C = [raw, "--format", "raw", "--size", "%dx%d" % size, "--rate", "25", card, "--threshold", "0.25"]


def look(path):
    """(seconds, frames, width, height, codec) as ffprobe says."""
    p = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_frames", "-of", "json", "-show_entries",
                        "stream=duration,nb_read_frames,width,height,codec_name", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    s = json.loads(p.stdout).get("streams") or [{}]
    return (float(s[0].get("duration", -1)), int(s[0].get("nb_read_frames", -1)), s[0].get("width"), s[0].get("height"),
            s[0].get("codec_name"), p.stderr.decode())


def pixels(path):
    """Its frames, [n, height, width, 3]."""
    _, _, w, h, _, _ = look(path)
    out = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", path, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                         stdout=subprocess.PIPE).stdout
    return np.frombuffer(out, np.uint8).reshape(-1, h, w, 3)


def number(frame):
    """Which frame of the film it is, by the bar at its bottom."""
    return int((frame[95, :, 0] > 200).sum()) - 1


def ends(records):
    return [x for x in records if x["event"] == "end"]


# ---- Which frames --------------------------------------------------------------------------------------

for margin in (None, 0, 0.4, 60):
    folder = "%s/margin%s" % (tmp, margin)
    code, r, err = watch(*C, "--save-clips", folder, *([] if margin is None else ["--clip-margin", margin]))
    want = [max(0, a - int((2 if margin is None else margin) * 25 + 1e-6)) for a, _ in events]
    good, said = code == 0 and len(ends(r)) == 2 and len(os.listdir(folder)) == 2, []
    for x, begin, (_, end) in zip(ends(r), want, events):
        seconds, n, w, h, codec, words = look(x["clip_file"])
        frames = pixels(x["clip_file"])
        said.append("%d-%d %.2f s" % (number(frames[0]), number(frames[-1]), seconds))
        good &= (n == end - begin + 1 and abs(seconds - n / 25) < 2 / 25 and (w, h) == (132, 98) and codec == "h264" and words == "" and
                 abs(number(frames[0]) - begin) <= 1 and abs(number(frames[-1]) - end) <= 1)
    tap.check(good, "margin %s: from %s to %s: %s %s" % (margin, want, [e for _, e in events], ", ".join(said), err.strip()))
x = ends(r)[0]
tap.check(all(y["clip_file"] is None for y in r if y["event"] == "start") and x["clip_file"] == folder + "/film.rgb_000001.600s_an-ace-of-spades-playing-card.mp4",
          "named in the event's end: " + x["clip_file"])
middle = pixels(x["clip_file"])[10][:90, :131].astype(int)
tap.check(np.abs(middle - film[10][:90]).mean() < 6, "the colours are the film's: %.1f" % np.abs(middle - film[10][:90]).mean())
code, r2, err = watch(*C, "--save-clips", folder, "--save-frames", folder)
tap.check(code == 0 and [x["clip_file"] for x in ends(r2)] == [x["clip_file"].replace(".mp4", "-2.mp4") for x in ends(r)] and
          len(os.listdir(folder)) == 6, "a second run replaces nothing; pictures beside them")
code, r, err = watch(*C, "--save-clips", tmp + "/few", "--fps", "5")
found = look(ends(r)[0]["clip_file"])
tap.check(code == 0 and found[1] == 14 and abs(found[0] - 2.8) < 0.21, "--fps 5: the frames that are looked at, at their times: %d in %.2f s" % found[1::-1])
code, r, err = watch(*C, "--save-clips", tmp + "/live", "--realtime", "--clip-margin", "0.4")
found = [look(x["clip_file"]) for x in ends(r)]
tap.check(code == 0 and len(found) == 2 and all(abs(f[0] - (x["end"] - x["start"] + 0.4)) < 0.13 for f, x in zip(found, ends(r))),
          "played at its speed: %s %s" % ([f[:2] for f in found], err.strip()))
for i, f in enumerate(film[30:80]):
    Image.fromarray(f).convert("RGBA" if i % 2 else "L" if i < 5 else "RGB").resize((131, 97) if i < 25 else (200, 150)).save("%s/p%03d.png" % (tmp, i))
code, r, err = watch(tmp + "/p*.png", card, "--threshold", "0.25", "--save-clips", tmp + "/pictures")
found = look(ends(r)[0]["clip_file"])
tap.check(code == 0 and found[2:4] == (132, 98) and found[1] == 40 and found[5] == "", "pictures of several modes and sizes: %s" % (found,))

# ---- ffmpeg that does not do its work: all at once -------------------------

real, out = shutil.which("ffmpeg"), {}
fakes = {"hangs": "echo $$ > %s/hanging; exec sleep 1000" % tmp, "says": "cat > /dev/null; echo disk is full >&2; exit 3", "dies": "kill -9 $$",
         "leaves": "exit 0", "old": 'exec %s "$@"' % real}
environments = {}
for name, script in fakes.items():
    os.makedirs("%s/%s-bin" % (tmp, name))
    path = "%s/%s-bin/ffmpeg" % (tmp, name)
    codecs = " V..... mpeg4" if name == "old" else " V....D libx264"
    open(path, "w").write('#!/bin/sh\ncase "$*" in *-encoders*) echo "%s"; exit 0;; esac\n%s\n' % (codecs, script))
    os.chmod(path, 0o755)
    environments[name] = dict(os.environ, PATH=os.path.dirname(path) + ":" + os.environ["PATH"])


def run(name):
    more = ["--min-duration", "1.1", "--timeout", "4"] if name == "hangs" else []  # one event
    out[name] = watch(*C, "--save-clips", "%s/%s" % (tmp, name), *more, env=environments[name])


threads = [threading.Thread(target=run, args=(n,)) for n in fakes]
for t in threads:
    t.start()
for t in threads:
    t.join(200)
for name, sentence in (("hangs", "did nothing for 4 seconds"), ("says", "disk is full"), ("dies", "signal 9")):
    code, r, err = out.get(name, (None, [], ""))
    tap.check(code == 1 and len(ends(r)) == (1 if name == "hangs" else 2) and all(x["clip_file"] is None for x in ends(r)) and sentence in err and
              os.listdir("%s/%s" % (tmp, name)) == [], "an ffmpeg that %s: %s" % (name, err.splitlines()[0] if err else ""))
code, r, err = out["leaves"]
tap.check(code == 1 and all(x["clip_file"] is None for x in ends(r)) and os.listdir(tmp + "/leaves") == [], "one that writes nothing: " + err.splitlines()[0])
tap.check(not os.path.exists("/proc/" + open(tmp + "/hanging").read().strip()), "the one that hung is gone")
code, r, err = out["old"]
tap.check(code == 0 and [look(x["clip_file"])[4] for x in ends(r)] == ["mpeg4", "mpeg4"], "without libx264: MPEG-4 " + err.strip())
os.mkdir(tmp + "/empty")
code, r, err = watch(*C, "--save-clips", tmp + "/x", env=dict(os.environ, PATH=tmp + "/empty"))
tap.check(code == 1 and r == [] and "apt-get install ffmpeg" in err, "without ffmpeg: " + err.strip())
for more in (["--clip-margin", "1"], ["--save-clips", tmp + "/x", "--clip-margin", "-1"], ["--save-clips", tmp + "/x", "--clip-margin", "61"],
             ["--save-clips", tmp + "/x", "--clip-margin", "nan"], ["--save-clips", tmp + "/x", "--clip-margin", ""]):
    tap.check(watch(*C, *more)[0] == 2, " ".join(more[-2:]) + " is wrong usage")
tap.check(watch(*C[:-2], "--save-clips", tmp + "/x")[0] == 2, "--save-clips without --threshold is wrong usage")

# ---- An interrupt while an event goes on ---------------------------------------------------------------

open(tmp + "/hook", "w").write("#!/bin/sh\necho $$ >> %s/hooks\nexec sleep 1000\n" % tmp)
os.chmod(tmp + "/hook", 0o755)
p = start("-", *C[1:], "--save-clips", tmp + "/cut", "--save-frames", tmp + "/cut", "--csv", tmp + "/cut.csv", "--on-event", tmp + "/hook", stdin=subprocess.PIPE)
p.stdin.write(b"".join(f.tobytes() for f in film[30:60]))
p.stdin.flush()
p.stdout.readline()
while not os.path.exists(tmp + "/hooks"):
    time.sleep(0.02)
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=60)
last = [json.loads(line) for line in out.splitlines()][-1]
clip = look(last["clip_file"])
alive = [pid for pid in open(tmp + "/hooks").read().split() if os.path.exists("/proc/" + pid)]
tap.check(p.returncode == -signal.SIGINT and last["event"] == "end" and clip[1] >= 10 and os.path.exists(last["frame_file"]) and not alive,
          "Ctrl-C while an event goes on: its film is whole (%d frames), its program is gone: %s" % (clip[1], err.decode().strip()))
p = start("-", *C[1:], "--save-clips", tmp + "/twice", "--on-event", tmp + "/hook", stdin=subprocess.PIPE)
p.stdin.write(b"".join(f.tobytes() for f in film[30:60]))
p.stdin.flush()
p.stdout.readline()
p.send_signal(signal.SIGINT)
while len(open(tmp + "/hooks").read().split()) < 2:
    time.sleep(0.02)
time.sleep(1)  # it waits for the program now
p.send_signal(signal.SIGINT)
p.communicate(timeout=5)
hook = open(tmp + "/hooks").read().split()[1]
state = open("/proc/%s/stat" % hook).read().rsplit(")", 1)[1].split()[0] if os.path.exists("/proc/" + hook) else "gone"
tap.check(p.returncode == -signal.SIGINT and state in ("gone", "Z") and not [n for n in os.listdir(tmp + "/twice") if not n.endswith(".mp4")],
          "a second Ctrl-C waits for nothing, and leaves no program and no half file (%s)" % state)

check_nothing_left()
done()
