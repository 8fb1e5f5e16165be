"""`clipc watch`: frames of every kind of source have the cosines that `clipc classify` gives for the same
pictures as PNG; times are ffprobe's; sources that stall, break or are none end with a sentence."""
import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image

import tap
from watching import check_nothing_left, clipc, cosines, difference, done, fake_ffmpeg, frames, pngs, prompts, start, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()

want = cosines(pngs(frames, "frame"))

# ---- Raw frames ----------------------------------------------------------------------------------------

raw = b"".join(f.tobytes() for f in frames)
code, r, err = watch("-", "--format", "raw", "--size", "130x98", *prompts, input=raw)
tap.check(code == 0 and err == "" and difference(r, want) == 0, "raw: classify's cosines: " + err.strip())
tap.check([x["frame"] for x in r] == [0, 1, 2, 3, 4] and [x["timestamp"] for x in r] == [0, 0.04, 0.08, 0.12, 0.16] and
          all(x["source"] == "-" and x["error"] is None for x in r), "frames are numbered, 25 a second where nobody says")
tap.check([x["best"] for x in r[:3]] == prompts, "the best prompt: " + str([x["best"] for x in r]))
low, high = 0.15, 0.5
close = all(abs(p - 100 * min(max((c - low) / (high - low), 0), 1)) < 1e-4
            for x in r for p, c in zip(x["percent"], x["cosines"]))
tap.check(close and max(max(x["percent"]) for x in r) > 50, "percent: the share of the model's range, clamped")
scale = math.exp(json.loads(tap.run("info", "--json")[1])[0]["logit_scale"])
e = [np.exp(scale * (np.array(x["cosines"]) - max(x["cosines"]))) for x in r]
tap.check(all(np.allclose(x["softmax"], p / p.sum(), atol=1e-6) for x, p in zip(r, e)), "softmax of the logits")
code, r2, _ = watch("-", "--format", "raw", "--size", "130x98", *prompts, "--range", "-0.1,0.3", "--rate", "10", input=raw)
tap.check(all(abs(p - 100 * min(max((c + 0.1) / 0.4, 0), 1)) < 1e-4 for x in r2 for p, c in zip(x["percent"], x["cosines"]))
          and [x["timestamp"] for x in r2] == [0, 0.1, 0.2, 0.3, 0.4], "--range and --rate")
code, r2, _ = watch("-", "--format", "bgr", "--size", "130x98", *prompts,
                    input=b"".join(f[:, :, ::-1].tobytes() for f in frames))
tap.check(difference(r2, want) == 0, "bgr: the same")
grays = [np.asarray(Image.fromarray(f).convert("L")) for f in frames]
gray_want = cosines(pngs(grays, "gray"))
code, r2, _ = watch("-", "--format", "gray", "--size", "130x98", *prompts, input=b"".join(f.tobytes() for f in grays))
tap.check(difference(r2, gray_want) == 0, "gray: the same as a gray PNG")
code, r2, err = watch("-", "--format", "raw", "--size", "130x98", *prompts, input=raw[:-1])
tap.check(code == 1 and len(r2) == 5 and r2[4]["frame"] is None and "ends inside a frame" in r2[4]["error"] and
          difference(r2[:4], want[:4]) == 0, "raw that breaks off: whole frames, then an error: " + err.strip())
for size in ("130", "0x5", "130x98x", "axb", "70000x2", "-1x2"):
    code, _, err = watch("-", "--format", "raw", "--size", size, "x", input=b"")
    tap.check(code == 2 and "--size" in err, "--size %s is wrong usage" % size)
tap.check(watch("-", "--format", "raw", "x", input=b"")[0] == 2, "raw without --size is wrong usage")
code, r2, err = watch("-", "x", input=raw)
tap.check(code == 1 and "--format" in err, "what is neither y4m nor mjpeg: say --format")
code, out, _ = tap.run("watch", "-", "--format", "raw", "--size", "130x98", "--json", *prompts, input=raw)
tap.check(code == 0 and json.loads(out) == [dict(x) for x in r], "--json: one array of the same")

# ---- Which frames are looked at ------------------------------------------------------------------------

code, r2, _ = watch("-", "--format", "raw", "--size", "130x98", *prompts, "--every", "2", input=raw)
tap.check([x["frame"] for x in r2] == [0, 2, 4] and difference(r2, want[::2]) == 0, "--every 2")
small = bytes(4 * 4 * 3) * 61
for rate, fps in ((30, 2), (25, 3), (24, 7.5), (10, 30), (29.97, 5)):
    code, r2, _ = watch("-", "--format", "raw", "--size", "4x4", "x", "--rate", rate, "--fps", fps, input=small)
    due, expect = 0, []
    for n in range(61):  # the first frame at or behind each k / fps
        if n / rate * fps >= due - 1e-6:
            expect.append(n)
            due = math.floor(n / rate * fps + 1e-6) + 1
    tap.check([x["frame"] for x in r2] == expect, "--fps %g of %g a second: %d frames" % (fps, rate, len(expect)))
for option, value in (("--fps", "0"), ("--fps", "x"), ("--fps", "inf"), ("--rate", "-1"), ("--range", "0.3"),
                      ("--range", "0.3,0.1"), ("--range", "a,b"), ("--timeout", "0"), ("--template", "no place"),
                      ("--format", "avi")):
    tap.check(watch("-", "x", option, value, input=b"")[0] == 2, "%s %s is wrong usage" % (option, value))
tap.check(watch("-", "x", "--fps", "1", "--every", "2", input=b"")[0] == 2, "--fps with --every is wrong usage")
code, r2, _ = watch("-", "--format", "raw", "--size", "130x98", "cross", "heart", "--template", "a red {}", "--template", "a blue {}",
                    input=raw)
_, out, _ = tap.run("classify", tmp + "/frame-001.png", "cross", "heart", "--template", "a red {}", "--template", "a blue {}", "--jsonl")
tap.check(sorted(r2[1]["cosines"]) == sorted(x["cosine"] for x in json.loads(out)["labels"]), "--template: classify's")
open(tmp + "/prompts", "w").write("\n".join(prompts) + "\n\n")
code, r2, _ = watch("-", "--format", "raw", "--size", "130x98", "--prompts", tmp + "/prompts", input=raw)
tap.check(difference(r2, want) == 0, "--prompts")

# ---- y4m -----------------------------------------------------------------------------------------------


def y4m(header, planes):
    return b"YUV4MPEG2 " + header + b"\n" + b"".join(b"FRAME\n" + p for p in planes)


def yuv(rgb, full):
    """BT.601, by its formula: three planes of floats."""
    r, g, b = (rgb[..., i].astype(float) for i in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    cb, cr = (b - y) / 1.772, (r - y) / 1.402
    return (y, cb + 128, cr + 128) if full else (y * 219 / 255 + 16, cb * 224 / 255 + 128, cr * 224 / 255 + 128)


def rgb(y, cb, cr, full):
    """Back again, from what the file holds."""
    y, cb, cr = (p.astype(float) for p in (y, cb, cr))
    y, cb, cr = (y, cb - 128, cr - 128) if full else ((y - 16) * 255 / 219, (cb - 128) * 255 / 224, (cr - 128) * 255 / 224)
    out = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], -1)
    return np.clip(np.round(out), 0, 255).astype(np.uint8)


for colour, sx, sy, bits, full in (("444", 1, 1, 8, False), ("444", 1, 1, 8, True), ("422", 2, 1, 8, False), ("420jpeg", 2, 2, 8, False),
                                   ("420", 2, 2, 8, True), ("411", 4, 1, 8, False), ("420p10", 2, 2, 10, False),
                                   ("444p12", 1, 1, 12, False)):
    planes, back = [], []
    for f in frames:
        f = f[:97, :129]  # odd sides: the last colour sample stands for fewer pixels
        y, cb, cr = (np.round(p).clip(0, 255).astype(np.uint8) for p in yuv(f, full))
        cb, cr = cb[::sy, ::sx], cr[::sy, ::sx]
        wide = [np.repeat(np.repeat(p, sy, 0), sx, 1)[:97, :129] for p in (cb, cr)]
        back.append(rgb(y, *wide, full))
        planes.append(b"".join((p.astype("<u2") << (bits - 8)).tobytes() if bits > 8 else p.tobytes() for p in (y, cb, cr)))
    header = ("W129 H97 F30:1 Ip A1:1 C" + colour + (" XCOLORRANGE=FULL" if full else "")).encode()
    code, r2, err = watch("-", *prompts, input=y4m(header, planes))
    worst = difference(r2, cosines(pngs(back, "y4m")))
    tap.check(code == 0 and worst < 2e-3, "y4m C%s %s range: cosines within %.1g of BT.601's %s" %
              (colour, "full" if full else "limited", worst, err.strip()))
code, r2, _ = watch("-", *prompts, input=y4m(b"W130 H98 F30000:1001 Cmono XCOLORRANGE=FULL", [g.tobytes() for g in grays]))
tap.check(difference(r2, gray_want) == 0 and all(abs(x["timestamp"] - x["frame"] * 1001 / 30000) < 1e-8 for x in r2),
          "y4m mono, full range: exact; its rate gives the times")
whole = y4m(b"W130 H98 F25:1 Cmono XCOLORRANGE=FULL", [g.tobytes() for g in grays])
open(tmp + "/gray.y4m", "wb").write(whole)
code, r2, _ = watch(tmp + "/gray.y4m", *prompts)
tap.check(difference(r2, gray_want) == 0 and r2[0]["source"] == tmp + "/gray.y4m", "a y4m file is seen by its first bytes")
for what, data, words in (
        ("cut inside a frame", whole[:-5], "ends inside a frame"), ("cut behind FRAME", whole[:whole.rindex(b"FRAME") + 6], "ends inside a frame"),
        ("without FRAME", whole.replace(b"FRAME\n", b"FRUME\n", 1), "FRAME"), ("without a size", y4m(b"W130", []), "no size"),
        ("of size 0", y4m(b"W0 H98", []), "size"), ("of size -5", y4m(b"W-5 H98", []), "size"), ("huge", y4m(b"W65535 H65535", []), "too large"),
        ("of an unknown colour space", y4m(b"W2 H2 C999", []), "colour space"), ("of bad rate", y4m(b"W2 H2 Fx", []), "rate"),
        ("with an endless header", b"YUV4MPEG2 " + b"X" * 5000, "header"), ("header alone, no line end", b"YUV4MPEG2 W2 H2", "ends")):
    code, r2, err = watch("-", "x", input=data)
    tap.check(code == 1 and words in err and r2[-1]["error"] in err, "y4m %s: %s" % (what, err.strip()[-70:]))
code, r2, err = watch("-", "x", input=y4m(b"W2 H2", []))
tap.check(code == 0 and r2 == [], "y4m without a frame: nothing, and no error")

# ---- MJPEG ---------------------------------------------------------------------------------------------

if "JPEG" in tap.run("info", "--build")[1].decode():
    jpegs, paths = [], []
    for i, f in enumerate(frames):
        b = io.BytesIO()
        Image.fromarray(f).save(b, "JPEG", quality=90, progressive=i == 1, restart_marker_blocks=3 if i == 2 else 0)
        jpegs.append(b.getvalue())
        paths.append("%s/j%d.jpg" % (tmp, i))
        open(paths[-1], "wb").write(jpegs[-1])
    # A thumbnail in APP1: a whole JPEG inside a segment, with its own end.
    thumb = b"Exif\0\0" + jpegs[4][:2000] + b"\xff\xd9\xff\xd8\xff"
    jpegs[3] = jpegs[3][:2] + b"\xff\xe1" + (len(thumb) + 2).to_bytes(2, "big") + thumb + jpegs[3][2:]
    jpeg_want = cosines(paths)
    code, r2, err = watch("-", *prompts, "--rate", "5", input=b"".join(jpegs))
    tap.check(code == 0 and difference(r2, jpeg_want) == 0 and r2[4]["timestamp"] == 0.8, "mjpeg: classify's cosines " + err)
    part = b"--b\r\nContent-Type: image/jpeg\r\n\r\n"
    code, r2, _ = watch("-", *prompts, "--format", "mjpeg", input=part + part.join(j + b"\r\n" for j in jpegs))
    tap.check(code == 0 and difference(r2, jpeg_want) == 0, "mjpeg between multipart headers")
    cut = jpegs[0] + jpegs[1][:1500] + jpegs[2] + jpegs[3]
    code, r2, err = watch("-", *prompts, input=cut)
    tap.check(code == 1 and len(r2) == 4 and r2[1]["error"] is not None and r2[1]["frame"] == 1 and
              difference([r2[0], r2[2], r2[3]], [jpeg_want[i] for i in (0, 2, 3)]) == 0,
              "a frame that is cut is an error in its place, its neighbours are right: " + err.strip()[-60:])
    code, r2, err = watch("-", *prompts, input=b"".join(jpegs)[:-20])
    tap.check(code == 1 and len(r2) == 5 and "ends inside a frame" in err and difference(r2[:4], jpeg_want[:4]) == 0,
              "mjpeg that breaks off")
else:
    tap.skip("mjpeg: this build reads no JPEG")

# ---- Pictures ------------------------------------------------------------------------------------------

code, r2, _ = watch(tmp + "/frame-*.png", *prompts, "--rate", "2")
tap.check(code == 0 and difference(r2, want) == 0 and [x["timestamp"] for x in r2] == [0, 0.5, 1, 1.5, 2] and
          [x["path"] for x in r2] == [tmp + "/frame-%03d.png" % i for i in range(5)], "a pattern names the frames, in order")
open(tmp + "/frame-001b.png", "wb").write(b"\x89PNG\r\n\x1a\nno")
code, r2, err = watch(tmp + "/frame-*.png", *prompts)
tap.check(code == 1 and len(r2) == 6 and r2[2]["error"] is not None and r2[2]["path"] == tmp + "/frame-001b.png" and
          difference(r2[:2] + r2[3:], want) == 0, "a bad picture is an error in its place")
code, r2, err = watch(tmp + "/nothing-*.png", "x")
tap.check(code == 1 and "no file of such a name" in err, "a pattern that fits nothing: " + err.strip())
code, r2, err = watch("one=" + tmp + "/frame-000.png", tmp + "/frame-001.png", *prompts)
tap.check(code == 0 and difference(sorted(r2, key=lambda x: x["source"] != "one"), want[:2]) == 0, "pictures as sources")

# ---- Sources and prompts -------------------------------------------------------------------------------

code, r2, err = watch("one=" + tmp + "/gray.y4m", "two=" + tmp + "/gray.y4m", tmp + "/gray.y4m", *prompts)
by = {s: [x for x in r2 if x["source"] == s] for s in ("one", "two", tmp + "/gray.y4m")}
tap.check(code == 0 and len(r2) == 15 and all([x["frame"] for x in v] == list(range(5)) and difference(v, gray_want) == 0
                                              for v in by.values()), "three sources, two with names: each in its order")
code, r2, err = watch(tmp + "/no.mp4", "x")
tap.check(code == 1 and r2 == [] and "no.mp4: no such file" in err, "a file that is not there: " + err.strip())
code, r2, err = watch(tmp + "/gray.y4m", "no.mp4", "x")
tap.check(code == 1 and "no.mp4: no such file" in err, "nor behind another source: it is taken for no prompt")
tap.check(watch(tmp + "/gray.y4m")[0] == 2 and watch("--prompt", "x")[0] == 2 and watch("-", "-", "x", input=b"")[0] == 2,
          "no prompt, no source, stdin twice: wrong usage")
open(tmp + "/a=b.y4m", "wb").write(whole)
code, r2, _ = watch(tmp + "/a=b.y4m", "x")
tap.check(code == 0 and r2[0]["source"] == tmp + "/a=b.y4m", "a file with = in its name is a file")

# ---- Pipes ---------------------------------------------------------------------------------------------

p = start("-", "x", stdin=subprocess.PIPE)
head, frame = whole.split(b"\n", 1)[0] + b"\n", b"FRAME\n" + grays[0].tobytes()
p.stdin.write(head + frame)
p.stdin.flush()
first = json.loads(p.stdout.readline())
p.stdin.write(frame + frame)
p.stdin.flush()
rest = [json.loads(p.stdout.readline()) for _ in range(2)]
tap.check(first["frame"] == 0 and [x["frame"] for x in rest] == [1, 2], "each frame is answered before the next is written")
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=20)
tap.check(p.returncode == -signal.SIGINT and out == b"" and err == b"", "Ctrl-C while - says nothing: ends at once, by that signal")
os.mkfifo(tmp + "/fifo")
p = start(tmp + "/fifo", "x")
with open(tmp + "/fifo", "wb") as f:
    f.write(head + frame + frame[:100])
out, err = p.communicate(timeout=20)
tap.check(p.returncode == 1 and len(out.splitlines()) == 2 and b"ends inside a frame" in err, "a named pipe that closes")
p = start(tmp + "/fifo", "x")
time.sleep(0.3)
p.send_signal(signal.SIGTERM)
out, err = p.communicate(timeout=20)
tap.check(p.returncode == -signal.SIGTERM, "a named pipe that nobody writes to: SIGTERM ends it")
p = start("-", "x", stdin=subprocess.PIPE)
p.stdout.close()
try:
    p.stdin.write(head + frame * 2000)
    p.stdin.close()
except BrokenPipeError:
    pass
tap.check(p.wait(timeout=30) != 0, "nobody reads the answers: it ends")
p.stderr.close()

# ---- Without ffmpeg, and with one that misbehaves ------------------------------------------------------

open(tmp + "/film.mp4", "wb").write(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2")
nowhere = dict(os.environ, PATH=tmp + "/empty")
code, r2, err = watch(tmp + "/film.mp4", "x", env=nowhere)
tap.check(code == 1 and "apt-get install ffmpeg" in err and "film.mp4" in err, "without ffmpeg: " + err.strip())
code, r2, _ = watch(tmp + "/gray.y4m", *prompts, env=nowhere)
tap.check(code == 0 and difference(r2, gray_want) == 0, "y4m needs none")


def fake(script, *args, timeout=None):
    """watch with this shell script as ffmpeg; it may note things in $T/..."""
    env = fake_ffmpeg("#!/bin/sh\nT=$T\necho $$ > $T/pid\nfor a; do printf '%s\\n' \"$a\"; done > $T/args\n" + script + "\n")
    begun = time.time()
    code, r, err = watch(*args, env=env)
    try:
        os.kill(int(open(tmp + "/pid").read()), 0)
        left = True
    except ProcessLookupError:
        left = False
    return code, r, err, open(tmp + "/args").read().splitlines(), time.time() - begun, left


ppm = tmp + "/one.ppm"
Image.fromarray(frames[0]).save(ppm)
one = "printf 'frame:0    pts:40000  pts_time:0.04\\nclipc=1\\n' >&3; cat $T/one.ppm; "
code, r2, err, args, _, left = fake(one, tmp + "/film.mp4", *prompts)
tap.check(code == 0 and len(r2) == 1 and r2[0]["timestamp"] == 0.04 and difference(r2, want[:1]) == 0 and not left,
          "frames and times from ffmpeg's two pipes " + err)
at = args.index("-i")
tap.check(args[at + 1] == "file:" + tmp + "/film.mp4" and "-nostdin" in args[:at] and args[args.index("-protocol_whitelist") + 1] == "file" and
          not {"hls", "concat", "dash", "image2", "sdp"} & set(args[args.index("-format_whitelist") + 1].split(",")),
          "a film's arguments: no stdin, the file protocol alone, no playlists")
code, r2, err, _, seconds, left = fake(one + "sleep 1000", tmp + "/film.mp4", "x", "--timeout", "0.5")
tap.check(code == 1 and len(r2) == 2 and "nothing came for 0.5 seconds" in err and seconds < 8 and not left,
          "an ffmpeg that hangs is ended after --timeout: %s" % err.strip()[-60:])
code, r2, err, _, seconds, left = fake("sleep 1000 >&2 3>&- & exec >&- 3>&-; sleep 1000", tmp + "/film.mp4", "x")
tap.check(code == 1 and "did not end" in err and seconds < 20 and not left, "one that closes its pipes and stays is killed")
code, r2, err, *_ = fake(one + "head -c 1000 $T/one.ppm; exit 1", tmp + "/film.mp4", "x")
tap.check(code == 1 and len(r2) == 2 and r2[0]["error"] is None, "one that dies inside a frame: " + err.strip()[-60:])
code, r2, err, *_ = fake(one + "echo 'file:%s/film.mp4: \033[31mnonsense' >&2; exit 187" % tmp, tmp + "/film.mp4", "x")
tap.check(code == 1 and "film.mp4: ffmpeg: ?[31mnonsense" in err, "its last words are ours: " + err.strip())
code, r2, err, *_ = fake("kill -SEGV $$", tmp + "/film.mp4", "x")
tap.check(code == 1 and "signal 11" in err, "one that crashes: " + err.strip()[-60:])
code, r2, err, _, _, left = fake("i=0; while [ $i -lt 20000 ]; do echo 'a line of noise that nobody wants to read' >&2; i=$((i+1)); done; " + one,
                                 tmp + "/film.mp4", "x")
tap.check(len(r2) == 2 and r2[0]["error"] is None and code == 1, "a megabyte on stderr stops nothing")
for head_ in ("P5\\n2 2\\n255\\n", "P6\\n0 2\\n255\\n", "P6\\n99999 99999\\n255\\n", "P6\\n65535 65535\\n255\\n"):
    code, r2, err, *_ = fake("echo frame:0 pts:0 >&3; printf '%s'" % head_, tmp + "/film.mp4", "x")
    tap.check(code == 1 and ("PPM" in err or "too large" in err), "what is no frame: " + err.strip()[-50:])
for source, expect in (("webcam", "/dev/video0"), ("webcam:3", "/dev/video3"), ("/dev/video1", "/dev/video1")):
    code, r2, err, args, *_ = fake("echo '%s: No such device' >&2; exit 1" % expect, source, "x", "--size", "640x480", "--rate", "15")
    tap.check(args[args.index("-i") + 1] == expect and args[args.index("-f") + 1] == "v4l2" and
              args[args.index("-video_size") + 1] == "640x480" and args[args.index("-framerate") + 1] == "15", source + " is " + expect)
    tap.check((source if source == expect else source + ": ffmpeg: " + expect) + ": " in err and "No such device" in err, "a camera that is missing: " + err.strip())
for url in ("rtsp://camera/1?a=b&c=$(id)", "http://camera/video.mjpg", "https://x/film.mp4"):
    code, r2, err, args, *_ = fake("exit 1", "cam=" + url, "x")
    allowed = args[args.index("-protocol_whitelist") + 1].split(",")
    tap.check(args[args.index("-i") + 1] == url and "file" not in allowed and url[:4] in allowed and r2[0]["source"] == "cam",
              url.split(":")[0] + ": the address as it is, no files")

# ---- ffmpeg --------------------------------------------------------------------------------------------


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y"] + [str(a) for a in args], check=True, cwd=tmp)


def probe(path):
    """Times of all frames, from the film's start."""
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path],
                         stdout=subprocess.PIPE, check=True, cwd=tmp).stdout.decode()
    return [float(x.strip(",")) for x in out.split()]


if shutil.which("ffmpeg") and shutil.which("ffprobe"):
    # Every picture for 6 frames, with losses, turned by nothing and cut by nothing.
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "130x98", "-r", "25", "-i", "pipe:0",
                    "-c:v", "mpeg4", "-q:v", "2", tmp + "/film.mp4"], input=b"".join(f.tobytes() * 6 for f in frames), check=True)

    def same(name, *options):
        """watch gives classify's cosines for the frames that ffmpeg writes as PNG, and ffprobe's times."""
        folder = tempfile.mkdtemp(dir=tmp)
        ffmpeg("-i", "file:" + name, "-vsync", "0", folder + "/%04d.png")
        pictures = sorted(os.path.join(folder, x) for x in os.listdir(folder))
        code, r, err = watch(*options, "--", name, *prompts, cwd=tmp)
        times = probe("file:" + name)
        good = difference(r, cosines(pictures)) == 0
        timely = len(times) == len(r) and all(abs(x["timestamp"] - t + times[0]) < 2e-6 for x, t in zip(r, times))
        tap.check(code == 0 and good and timely and [x["frame"] for x in r] == list(range(len(r))),
                  "%s: %d frames, cosines %s, times %s %s" % (name, len(r), good, timely, err.strip()))
        return r

    same("film.mp4")
    shutil.copy(tmp + "/film.mp4", tmp + "/-x.mp4")
    shutil.copy(tmp + "/film.mp4", tmp + "/http:%03d[a]'é.mp4")
    same("-x.mp4")
    same("http:%03d[a]'é.mp4")
    ffmpeg("-i", "film.mp4", "-vf", "select='lt(n,7)+eq(mod(n,4),1)'", "-vsync", "vfr", "-c:v", "mpeg4", "-q:v", "3", "vfr.mkv")
    same("vfr.mkv")
    ffmpeg("-i", "film.mp4", "-c:v", "mpeg4", "-q:v", "3", "-r", "30000/1001", "odd.avi")
    same("odd.avi")
    ffmpeg("-i", "film.mp4", "-c", "copy", "-metadata:s:v:0", "rotate=90", "turned.mp4")
    same("turned.mp4")
    ffmpeg("-i", "film.mp4", "-vf", "crop=31:17:3:5", "-c:v", "ffv1", "small.mkv")
    same("small.mkv")
    code, r2, err = watch("film.mp4", *prompts, "--fps", "5", cwd=tmp)
    tap.check([x["frame"] for x in r2] == list(range(0, 30, 5)), "--fps of a film")

    ffmpeg("-i", "film.mp4", "-c:v", "mpeg4", "-movflags", "+faststart", "whole.mp4")
    data = open(tmp + "/whole.mp4", "rb").read()
    open(tmp + "/cut.mp4", "wb").write(data[:len(data) * 2 // 3])
    code, r2, err = watch("cut.mp4", "x", cwd=tmp)
    tap.check(code == 1 and len(r2) > 5 and r2[0]["error"] is None and "cut.mp4: ffmpeg" in err,
              "a film that breaks off: %d frames, then %s" % (len(r2) - 1, err.strip()))
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", "-c:a", "pcm_s16le", "sound.mkv")
    code, r2, err = watch("sound.mkv", "x", cwd=tmp)
    tap.check(code == 1 and "no video" in err, "sound alone: " + err.strip())
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:d=0.4:r=10", "-c:v", "mpeg2video", "a.ts")
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=96x80:d=0.4:r=10", "-c:v", "mpeg2video", "b.ts")
    open(tmp + "/ab.ts", "wb").write(open(tmp + "/a.ts", "rb").read() + open(tmp + "/b.ts", "rb").read())
    code, r2, err = watch("ab.ts", "x", cwd=tmp)
    tap.check(len([x for x in r2 if x["error"] is None]) >= 7, "a film that changes its size goes on: %d frames %s" % (len(r2), err.strip()))
    open(tmp + "/text.mp4", "w").write("this is no film\n" * 50)
    code, r2, err = watch("text.mp4", "x", cwd=tmp)
    tap.check(code == 1 and "text.mp4" in err and r2[0]["error"] is not None, "no film: " + err.strip())
    open(tmp + "/empty.mp4", "w").close()
    code, r2, err = watch("empty.mp4", "x", cwd=tmp)
    tap.check(code == 1 and "empty" in err, "an empty file: " + err.strip())
    lists = {"list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfilm.mp4\n#EXT-X-ENDLIST\n",
             "net.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
             "list.ffconcat": "ffconcat version 1.0\nfile film.mp4\n",
             "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
             "list.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">'
                         '<Period><AdaptationSet><Representation id="1" bandwidth="1"><BaseURL>film.mp4</BaseURL></Representation>'
                         '</AdaptationSet></Period></MPD>'}
    for name, text in lists.items():
        for alias in (name, name + ".mp4"):
            open(tmp + "/" + alias, "w").write(text)
            code, r2, err = watch(alias, "x", cwd=tmp)
            tap.check(code == 1 and len(r2) == 1 and "not opened" in err or "Invalid data" in err, "%s opens no other file: %s" % (alias, err.strip()[-60:]))
    code, r2, err = watch("text.mp4", "film.mp4", "text.mp4", *prompts, cwd=tmp)
    tap.check(code == 1 and len(r2) == 32 and sum(x["error"] is not None for x in r2) == 2, "bad sources beside a good one")
    code, r2, err = watch("film.mp4", *prompts, "--stats", cwd=tmp)
    tap.check(code == 0 and "30 frames in" in err and "of the slower one's rate" in err and
              re.search(r"CPU time of a frame: [\d.]+ ms; alone [\d.]+ to decode, [\d.]+ to prepare, [\d.]+ to encode", err), "--stats: " + err.strip()[-80:])
    p = start("film.mp4", "x", "--realtime", cwd=tmp)
    p.stdout.readline()
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=20)
    tap.check(p.returncode == -signal.SIGINT and all(json.loads(x)["error"] is None for x in out.splitlines()), "Ctrl-C in a film")
else:
    tap.skip("films: no ffmpeg and ffprobe (apt-get install ffmpeg)")
check_nothing_left()
tap.check(not os.path.exists("core"), "no program crashed here")
done()
