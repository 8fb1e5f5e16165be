"""Sources of `clipc watch` that go wrong, with the ffmpeg that is installed here: a server that stalls, breaks off, sends
elsewhere; a camera that is unplugged; films that change their size, are turned, damaged, of odd rates; pipes that close;
playlists behind an address.  What it knows until then is told, then a sentence; no program is left."""
import http.server
import io
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
from watching import check_nothing_left, cosines, difference, done, frames, pngs, programs, prompts, start, tmp, watch

missing = ("no embedded model (make train-demo)" if not os.path.exists("weights/demo.clipc") else
           "no ffmpeg (apt-get install ffmpeg)" if not shutil.which("ffmpeg") else None)
if missing:
    tap.skip(missing)
    done()


def ffmpeg(*args, **keywords):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y"] + [str(a) for a in args], check=True, cwd=tmp, **keywords)


def film(name, pictures, *options, rate=25):
    h, w = pictures[0].shape[:2]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "%dx%d" % (w, h), "-r", str(rate), "-i", "pipe:0",
                    *options, tmp + "/" + name], input=b"".join(p.tobytes() for p in pictures), check=True)
    return tmp + "/" + name


def seen(r):
    """The best prompt of each frame, those that follow each other once; errors are left out."""
    out = []
    for x in r:
        if x["error"] is None and out[-1:] != [x["best"]]:
            out.append(x["best"])
    return out


# ---- Behind an address: what a path does ---------------------------------------------------------------

noise = np.random.default_rng(3).integers(-20, 21, (150,) + frames[0].shape)
moving = [np.clip(frames[i // 30].astype(int) + noise[i], 0, 255).astype(np.uint8) for i in range(150)]
data = open(film("whole.mp4", moving, "-c:v", "mpeg4", "-q:v", "3", "-g", "10", "-movflags", "+faststart"), "rb").read()
released, asked = threading.Event(), []


def jpeg(picture):
    b = io.BytesIO()
    Image.fromarray(picture).save(b, "JPEG", quality=90)
    return b.getvalue()


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body, headers=(), length=None):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        what, _, argument = self.path[1:].partition("?")
        asked.append(self.path)
        self.close_connection = True
        try:
            if what in ("stall.mp4", "cut.mp4"):
                self.answer(200, data[:len(data) * 2 // 3], length=len(data))
                what == "stall.mp4" and released.wait(60)
            elif what == "whole.mp4":
                self.answer(200, data)
            elif what == "elsewhere.mp4":
                self.answer(302, b"", [("Location", argument)])
            elif what == "list.m3u8":
                self.answer(200, b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n" % argument.encode())
            elif what == "camera.mjpg":  # frames of one second, then the plug or nothing more
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=b")
                self.end_headers()
                for i in range(25):
                    j = jpeg(frames[len([a for a in asked if a == self.path]) % 3])
                    self.wfile.write(b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(j), j))
                    time.sleep(0.04)
                argument == "stall" and released.wait(60)
            else:
                self.answer(404, b"")
        except OSError:
            pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d/" % server.server_port


def timed(*args):
    begun = time.time()
    return watch(*args, *prompts) + (time.time() - begun,)


code, full, err, t = timed(url + "whole.mp4")
patience = "%.0f" % min(max(3, 4 * t), 40)  # on a busy machine ffmpeg alone takes seconds to start
tap.check(code == 0 and len(full) == 150 and err == "" and seen(full)[:3] == prompts, "a film behind an address: all of its frames " + err)
code, r, err, t = timed(url + "stall.mp4", "--timeout", patience)
tap.check(code == 1 and 50 < len(r) < 120 and r[:-1] == [dict(x, source=url + "stall.mp4") for x in full[:len(r) - 1]] and "nothing came for %s seconds" % patience in err and t < 90,
          "one that stalls: %d frames, then %s" % (len(r) - 1, err.strip()))
code, r, err, t = timed(url + "cut.mp4")
good = [x for x in r if x["error"] is None]
tap.check(code == 1 and 50 < len(good) < 150 and seen(r)[:3] == prompts and "cut.mp4: ffmpeg: " in err, "one that breaks off: %d frames, then %s" % (len(good), err.strip()))
code, r, err, t = timed(url + "none.mp4")
tap.check(code == 1 and len(r) == 1 and "404" in err, "one that is not there: " + err.strip())
code, r, err, t = timed(url + "elsewhere.mp4?" + url + "whole.mp4")
tap.check(code == 0 and r == [dict(x, source=url + "elsewhere.mp4?" + url + "whole.mp4") for x in full], "one that is elsewhere: its frames")
for what in ("elsewhere.mp4", "list.m3u8"):
    code, r, err, t = timed(url + what + "?file://" + tmp + "/whole.mp4")
    tap.check(code == 1 and len(r) == 1 and r[0]["error"] is not None, "%s that names a file here opens none: %s" % (what, err.strip()[-90:]))
secret = tmp + "/secret.m3u8.mp4"
open(secret, "w").write("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%swhole.mp4?from-a-file\n#EXT-X-ENDLIST\n" % url)
code, r, err, t = timed(secret)
tap.check(code == 1 and len(r) == 1 and "not opened" in err and not [a for a in asked if "from-a-file" in a], "a file that names an address asks nobody: " + err.strip()[-90:])

# ---- A camera ------------------------------------------------------------------------------------------

for what, words in (("pulled", ("ffmpeg: ", "it ended")), ("stall", ("nothing came for %s seconds" % patience, ))):
    p = start("cam=" + url + "camera.mjpg?" + what, *prompts, "--timeout", patience)
    r, lost, until = [], 0, time.time() + 120
    while (lost < 2 or len(seen(r)) < 2 or r[-1]["error"] is None) and p.poll() is None and time.time() < until:
        r.append(json.loads(p.stdout.readline() or '{"error": "it ended"}'))
        lost += r[-1]["error"] is not None
    ours = [q for q in programs() if q.startswith("ffmpeg")]
    kids = open("/proc/%d/task/%d/children" % (p.pid, p.pid)).read().split() if os.path.exists("/proc/%d/task/%d/children" % (p.pid, p.pid)) else []
    dead = [k for k in kids if open("/proc/%s/stat" % k).read().rsplit(")", 1)[1].split()[0] == "Z"]
    p.poll() is None and p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    numbers = [x["frame"] for x in r if x["error"] is None]
    tap.check(p.returncode == 0 and numbers == sorted(set(numbers)) and len(numbers) > 5 and len(seen(r)) >= 2 and ours == [] and dead == [] and
              all(any(w in x["error"] for w in words) and "again in " in x["error"] for x in r if x["error"] is not None),
              "a camera whose %s: said, and connected again: %d frames, %s, %d of its programs left: %s" %
              ("plug is pulled" if what == "pulled" else "pictures stop", len(numbers), seen(r), len(ours + dead), err.decode().splitlines()[0]))
released.set()

# ---- Films ---------------------------------------------------------------------------------------------

small, large = [frames[0]] * 12, [np.asarray(Image.fromarray(frames[1]).resize((240, 100)))] * 12
for ending, codec in (("ts", "mpeg2video"), ("mpg", "mpeg1video")):
    a, b = film("a." + ending, small, "-c:v", codec, "-q:v", "2"), film("b." + ending, large, "-c:v", codec, "-q:v", "2")
    open(tmp + "/ab." + ending, "wb").write(open(a, "rb").read() + open(b, "rb").read())
    code, r, err, t = timed(tmp + "/ab." + ending)
    tap.check(len(r) >= 20 and seen(r) == prompts[:2], "%s: a film whose size changes goes on: %d frames, %s %s" % (codec, len(r), seen(r), err.strip()))
upright = [np.asarray(Image.open("tests/images/%s.png" % n).convert("RGB").resize((160, 96))) for n in ("ace-of-spades-19", "red-cross-5")]
for turns in (1, 2, 3):
    lying = film("lying.mkv", [np.rot90(u, turns).copy() for u in upright], "-c:v", "mpeg4", "-q:v", "1", rate=10)
    ffmpeg("-i", lying, "-c", "copy", "-metadata:s:v:0", "rotate=%d" % (360 - 90 * turns), "turned.mp4")
    want = cosines(pngs(upright, "upright"))
    for name in ("turned.mp4", "lying.mkv"):
        code, r, err, t = timed(tmp + "/" + name)
        off = difference(r, want)
        if name == "turned.mp4":
            tap.check(code == 0 and off < 0.08, "a film that stands only when turned by %d degrees: cosines of the upright pictures, to %.3f" % (360 - 90 * turns, off))
            turned = off
        else:
            tap.check(off > 3 * turned, "which are not those of what it holds (%.3f)" % off)
for rate in ("1/7", "1000", "30000/1001", "12.5"):
    name = film("rate.mkv", [frames[i % 5] for i in range(20)], "-c:v", "ffv1", rate=rate)
    code, r, err, t = timed(name)
    seconds = 1 / eval(rate)
    tap.check(code == 0 and len(r) == 20 and all(abs(x["timestamp"] - x["frame"] * seconds) < 1.1e-3 for x in r), "%s frames a second: times to a millisecond" % rate)
late = tmp + "/late.mkv"
ffmpeg("-i", "rate.mkv", "-vf", "setpts=PTS+100/TB", "-c:v", "ffv1", late)
code, r, err, t = timed(late)
tap.check(code == 0 and r[0]["timestamp"] == 0 and abs(r[19]["timestamp"] - 19 / 12.5) < 1.1e-3, "one whose clock begins at 100 s begins at 0")
hole = bytearray(data)
hole[len(data) // 2:len(data) // 2 + 3000] = np.random.default_rng(1).integers(0, 256, 3000, dtype=np.uint8).tobytes()
open(tmp + "/hole.mp4", "wb").write(hole)
code, r, err, t = timed(tmp + "/hole.mp4")
good = [x for x in r if x["error"] is None]
tap.check(code == 1 and len(good) > 120 and seen(r)[:1] == prompts[:1] and seen(r)[-1:] == seen(full)[-1:] and "hole.mp4: ffmpeg: " in err and "Last message" not in err and
          " @ 0x" not in err, "one that is damaged in the middle: %d frames, to its end, then %s" % (len(good), err.strip()))
open(tmp + "/beginning.mp4", "wb").write(data[-len(data) // 2:])
for what in ("beginning.mp4", "noise.mp4", "zeros.mkv", "text.ts", "picture.mp4"):
    if what != "beginning.mp4":
        open(tmp + "/" + what, "wb").write({"noise.mp4": bytes(hole[5000:9000]), "zeros.mkv": bytes(5000), "text.ts": b"no film\n" * 900, "picture.mp4": b"P6\n0 0\n255\n"}[what])
    code, r, err, t = timed(tmp + "/" + what)
    tap.check(code == 1 and len(r) == 1 and r[0]["error"] is not None and what in err, "no film: " + err.strip()[-90:])
for name in ("-x.mp4", "--json.mp4"):
    shutil.copy(tmp + "/whole.mp4", tmp + "/" + name)
    code, r, err = watch(name, "x", cwd=tmp)
    tap.check(code == 2 and r == [] and "put -- before it" in err, "%s is taken for an option, and it is said how not: %s" % (name, err.strip()))
    code, r, err = watch("--every", "50", "--", name, *prompts, cwd=tmp)
    tap.check(code == 0 and len(r) == 3 and r[0]["source"] == name, "behind -- it is a film")

open(tmp + "/many", "w").write("".join("%s and %d of them\n" % (prompts[i % 3], i) for i in range(30000)))
p = start("whole.mp4", "--prompts", "many", "--csv", "many.csv", cwd=tmp)
until = time.time() + 60
while not [q for q in programs() if q.startswith("ffmpeg")] and time.time() < until:
    time.sleep(0.02)
begun = time.time()
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=120)
tap.check(p.returncode == -signal.SIGINT and out == b"" and not os.path.exists(tmp + "/many.csv"),
          "ffmpeg starts while 30000 prompts are encoded, and Ctrl-C waits for neither (%.1f s)" % (time.time() - begun))
if "libass yes" in tap.run("info", "--build")[1].decode():
    ffmpeg("-stream_loop", "13", "-i", "whole.mp4", "-c", "copy", "long.mp4")  # more answers than a pipe holds that nobody reads
    p = start("long.mp4", "x", "-o", "until.mp4", cwd=tmp)
    lines = [p.stdout.readline() for _ in range(20)]
    p.send_signal(signal.SIGINT)
    lines += p.communicate(timeout=60)[0].splitlines()
    found = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", tmp + "/until.mp4"],
                           capture_output=True, text=True)
    tap.check(p.returncode == -signal.SIGINT and 20 <= len(lines) < 2100 and found.stdout.strip(",\n") == str(len(lines)) and found.stderr == "",
              "Ctrl-C in the middle of a film: what -o has until then plays: %s frames of %d answers %s" % (found.stdout.strip(), len(lines), found.stderr))
else:
    tap.skip("-o: built without libass")

# ---- Pipes ---------------------------------------------------------------------------------------------

picture = frames[0].tobytes()
head = b"YUV4MPEG2 W130 H98 F25:1 C444\n"
y4m = b"FRAME\n" + bytes(130 * 98) + bytes([128]) * (2 * 130 * 98)
cases = [("raw", ["--format", "raw", "--size", "130x98"], picture * 3, picture[:999]), ("y4m", [], head + y4m * 3, y4m[:999])]
if "JPEG" in tap.run("info", "--build")[1].decode():
    cases.append(("mjpeg", ["--format", "mjpeg"], jpeg(frames[0]) * 3, jpeg(frames[1])[:999]))
for kind, options, whole, part in cases:
    for more in (b"", part):
        fifo = tmp + "/%s-%d" % (kind, len(more))
        os.mkfifo(fifo)
        p = start(fifo, *options, *prompts)
        with open(fifo, "wb") as f:
            f.write(whole + more)
        out, err = p.communicate(timeout=30)
        r = [json.loads(x) for x in out.splitlines()]
        tap.check(p.returncode == bool(more) and len([x for x in r if x["error"] is None]) == 3 and (b"ends inside a frame" in err) == bool(more),
                  "a fifo of %s that closes %s a frame: three frames, exit %d %s" % (kind, "inside" if more else "behind", p.returncode, err.decode().strip()))
server.shutdown()
check_nothing_left()
done()
