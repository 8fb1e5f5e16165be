"""`clipc watch` on sources that have no end: cameras (an ffmpeg of our own making plays them), folders into
which pictures come; frames dropped and counted, connections lost, what barely changed left out."""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
from PIL import Image

import tap
from watching import check_nothing_left, cosines, difference, done, fake_ffmpeg, frames, pngs, prompts, start, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()
want = cosines(pngs(frames, "frame"))

# A camera: frames of these pictures in turn, so many a second, the frame's number in times' lines, until
# `count` of them are sent (0: for ever) and it fails.
camera = """#!%s
import os, sys, time
rate, count = float(os.environ["RATE"]), int(os.environ["COUNT"])
open("$T/starts", "a").write("%%f\\n" %% time.time())
data = open("$T/frames.ppm", "rb").read()
size = len(data) // 5
begun = time.time()
for i in range(count or 10**9):
    time.sleep(max(0, begun + i / rate - time.time()))
    os.write(3, b"frame:%%d pts:%%d pts_time:0\\nclipc=1\\n" %% (i, 1e6 * i / rate))
    sys.stdout.buffer.write(data[i %% 5 * size:i %% 5 * size + size])
    sys.stdout.buffer.flush()
sys.stderr.write("the camera was unplugged\\n")
sys.exit(1)
""" % sys.executable
with open(tmp + "/frames.ppm", "wb") as f:
    for picture in frames:
        f.write(b"P6\n130 98\n255\n" + picture.tobytes())
camera_env = fake_ffmpeg(camera)


def play(rate, count, *args, seconds=None, lines=None):
    """Watch such a camera until so many lines came or seconds passed, then Ctrl-C: (exit code, records, stderr)."""
    env = dict(camera_env, RATE=str(rate), COUNT=str(count))
    open(tmp + "/starts", "w").close()
    p = start(*args, env=env)
    got, until = [], time.time() + (seconds or 120)
    while time.time() < until and (lines is None or len(got) < lines):
        if select.select([p.stdout], [], [], 0.1)[0]:
            line = p.stdout.readline()
            if not line:
                break
            got.append(json.loads(line))
    if p.poll() is None:
        p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    return p.returncode, got + [json.loads(x) for x in out.splitlines()], err.decode()


# ---- The newest frame counts ---------------------------------------------------------------------------

# More frames than any machine answers: the most are dropped, and what is answered is fresh.
code, r, err = play(1500, 0, "cam=rtsp://camera/1", *prompts, "--threads", "1", "--kernels", "scalar", lines=60)
numbers = [x["frame"] for x in r]
tap.check(code == 0 and len(r) >= 60 and numbers == sorted(set(numbers)) and all(x["source"] == "cam" for x in r),
          "a live source: frames in order, Ctrl-C is its end, exit 0 " + err)
dropped = r[-1]["dropped"]
tap.check(dropped > 0 and dropped >= numbers[-1] - numbers[0] + 1 - len(r) and
          all(a["dropped"] <= b["dropped"] for a, b in zip(r, r[1:])), "dropped frames are counted: %d of %d" % (dropped, numbers[-1] + 1))
gaps = [b["timestamp"] - a["timestamp"] for a, b in zip(r[10:], r[11:])]
latency = [x["latency"] for x in r[10:]]
tap.check(np.median(latency) < 2 * np.median(gaps) + 0.002, "latency %.1f ms, one frame %.1f ms (medians)" %
          (1e3 * np.median(latency), 1e3 * np.median(gaps)))
tap.check(all(x["cosines"] == r[i % 5]["cosines"] or x["frame"] % 5 != r[i % 5]["frame"] % 5 for i, x in enumerate(r)) and
          all(difference([x], [want[x["frame"] % 5]]) < 1e-5 for x in r), "each answer is of the frame that it names")
code, r, err = play(1500, 0, "a=rtsp://one/", "b=rtsp://two/", *prompts, lines=400)
share = [sum(x["source"] == s for x in r[-60:]) for s in "ab"]  # one of them starts first
tap.check(code == 0 and min(share) > 15, "two cameras have their turns: %d and %d" % tuple(share))
code, r, err = play(20, 0, "webcam", *prompts, "--fps", "5", seconds=2.5)
slots = [int(x["timestamp"] * 5 + 1e-6) for x in r]
tap.check(code == 0 and 4 <= len(r) <= 14 and slots == sorted(set(slots)), "--fps of a camera: %d frames" % len(r))

# A file at its own speed: one second of film takes one second.
raw = tmp + "/film.rgb"
open(raw, "wb").write(b"".join(f.tobytes() for f in frames) * 5)
begun = time.time()
code, r, err = watch(raw, "--format", "raw", "--size", "130x98", *prompts, "--realtime")
took = time.time() - begun
tap.check(code == 0 and took > 0.9 and r[-1]["frame"] == 24 and len(r) + r[-1]["dropped"] == 25,
          "--realtime: 25 frames of 1 second in %.2f s, %d dropped" % (took, r[-1]["dropped"]))

# ---- Lost connections ----------------------------------------------------------------------------------

code, r, err = play(100, 5, "cam=rtsp://camera/1", *prompts, lines=12, seconds=40)
lost = [i for i, x in enumerate(r) if x["frame"] is None]
starts = [float(x) for x in open(tmp + "/starts").read().split()]
tap.check(code == 0 and lost and "unplugged" in r[lost[0]]["error"] and "again in 1 s" in r[lost[0]]["error"] and "unplugged" in err,
          "a camera that is unplugged is said: " + err.splitlines()[0])
numbers = [x["frame"] for x in r if x["frame"] is not None]
tap.check(len(starts) >= 2 and starts[1] - starts[0] > 0.95 and numbers == sorted(set(numbers)) and max(numbers) > 5,
          "it is connected again after a second, its frames numbered on")
code, r, err = play(100, 1, "cam=rtsp://camera/1", prompts[0], "--threshold", "0.3", lines=4, seconds=40)
kinds = [x.get("event", "error") for x in r[:4]]
tap.check(code == 0 and sorted(kinds[:3]) == ["end", "error", "start"] and kinds[0] == kinds[3] == "start" and r[1]["end_frame"] == 0,
          "what went on ends when the camera is lost: " + " ".join(kinds))
silent = "#!/bin/sh\nif [ -e $T/once ]; then sleep 100; fi\n: > $T/once\nprintf 'frame:0 pts:0\\n' >&3; head -c %d $T/frames.ppm; exec sleep 100\n" % \
    (os.path.getsize(tmp + "/frames.ppm") // 5)
env = fake_ffmpeg(silent)
p = start("cam=rtsp://camera/1", "x", "--timeout", "0.3", env=env)
said = []
while len(said) < 3:
    line = json.loads(p.stdout.readline())
    said.append((time.time(), line))
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=20)
waits = [x["error"].rsplit("again in ")[1] for _, x in said[1:]]
tap.check(p.returncode == 0 and waits == ["1 s", "2 s"] and "nothing came for 0.3 seconds" in said[1][1]["error"] and
          said[2][0] - said[1][0] > 0.95, "a camera that stalls: the pause doubles: %s" % waits)
env = fake_ffmpeg("#!/bin/sh\necho no route to host >&2\nexit 1\n")
begun = time.time()
code, r, err = watch("cam=rtsp://camera/1", "x", env=env)
tap.check(code == 1 and len(r) == 1 and "no route to host" in err and time.time() - begun < 20, "a camera that never came is an error: " + err.strip())
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(1)
if shutil.which("ffmpeg"):
    code, r, err = watch("http://127.0.0.1:%d/video.mjpg" % s.getsockname()[1], "x", "--timeout", "1")
    tap.check(code == 1 and "nothing came for 1 seconds" in err, "a server that never answers: " + err.strip()[-50:])
else:
    tap.skip("http: no ffmpeg (apt-get install ffmpeg)")
s.close()

open(tmp + "/short.rgb", "wb").write(frames[0].tobytes() * 3)
p = start("short=" + tmp + "/short.rgb", "-", "--format", "raw", "--size", "130x98", "--prompt", prompts[0], "--threshold", "0.3", stdin=subprocess.PIPE)
said = [json.loads(p.stdout.readline()) for _ in range(2)]
waiting = p.poll() is None
p.stdin.close()
p.wait()
tap.check(waiting and [x["event"] for x in said] == ["start", "end"] and said[1]["end_frame"] == 2, "what went on in a film ends with it, whatever else goes on")

# ---- Folders -------------------------------------------------------------------------------------------

folder = tmp + "/in"
os.mkdir(folder)
shutil.copy(tmp + "/frame-000.png", folder + "/old.png")
p = start("in=" + folder, *prompts)
time.sleep(1.0)  # it says nothing when it is ready
answers = []
for i in range(3):
    if i == 1:  # written beside, then moved
        shutil.copy(tmp + "/frame-001.png", tmp + "/part.png")
        os.rename(tmp + "/part.png", folder + "/1.png")
    else:
        shutil.copy(tmp + "/frame-%03d.png" % i, folder + "/%d.png" % i)
    answers.append(json.loads(p.stdout.readline()))
tap.check(difference(answers, want[:3]) == 0 and [x["path"] for x in answers] == [folder + "/%d.png" % i for i in range(3)] and
          [x["frame"] for x in answers] == [0, 1, 2] and answers[0]["source"] == "in", "pictures that come into a folder are frames")
open(folder + "/notes.txt", "w").write("no picture")
open(folder + "/.hidden.png", "wb").write(open(tmp + "/frame-000.png", "rb").read())
os.mkdir(folder + "/sub.png")
os.mkfifo(folder + "/pipe.png")
os.rename(folder + "/pipe.png", folder + "/pipe2.png")
open(folder + "/bad.png", "w").write("not really")
shutil.copy(tmp + "/frame-003.png", folder + "/3.png")
answers = [json.loads(p.stdout.readline()) for _ in range(2)]
tap.check(answers[0]["error"] is not None and answers[0]["path"] == folder + "/bad.png" and difference(answers[1:], want[3:4]) == 0,
          "what is no picture is passed over, a bad one is an error in its place")
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=20)
tap.check(p.returncode == 1 and out == b"", "Ctrl-C ends it; a frame had failed: exit 1")
p = start("in=" + folder, "x")
time.sleep(1.0)
p.send_signal(signal.SIGINT)
p.communicate(timeout=20)
tap.check(p.returncode == 0, "Ctrl-C is the end of a folder: exit 0")
p = start("in=" + folder, "x")
time.sleep(1.0)
shutil.rmtree(folder)
out, err = p.communicate(timeout=20)
tap.check(p.returncode == 1 and b"the folder is gone" in err, "a folder that is removed: " + err.decode().strip()[-40:])
code, r, err = watch("no/such/folder/", "x")
tap.check(code == 1 and "no such file" in err, "a folder that is not there")

# ---- What barely changed -------------------------------------------------------------------------------

still = frames[0].astype(int)
shifted = [np.clip(still + d, 0, 255).astype(np.uint8) for d in (0, 1, -1, 0)]
moving = shifted + [frames[1]] + [frames[1]] + [frames[0]]
data = b"".join(f.tobytes() for f in moving)
R = ["--format", "raw", "--size", "130x98"]
code, full, _ = watch("-", *R, *prompts, input=data)
code, r, err = watch("-", *R, *prompts, "--skip-similar", "3", input=data)
tap.check(code == 0 and [x.get("skipped", False) for x in r] == [False, True, True, True, False, True, False],
          "--skip-similar: frames within 3 of the last encoded one are left out")
tap.check([x["cosines"] for x in r] == [full[i]["cosines"] for i in (0, 0, 0, 0, 4, 4, 6)] and "4 of 7 frames" in err,
          "they have its answer, and it is said how often: " + err.strip())
code, r, err = watch("-", *R, *prompts, "--skip-similar", "0.01", input=data)
tap.check([x.get("skipped", False) for x in r] == [False] * 3 + [False, False, True, False] and
          [x["cosines"] for x in r] == [x["cosines"] for x in full], "a low limit leaves out equal frames only")
check_nothing_left()
done()
