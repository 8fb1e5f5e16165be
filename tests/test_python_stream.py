"""Stream of tools/python/clipc.py: every frame of files, the newest of live sources, what ends it, and
the example program on a generated video, with OpenCV."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

import tap

library = os.path.abspath(os.path.join(tap.build, "libclipc.so"))
folder = os.path.abspath("tools/python")
if b"__asan_init" in open(library, "rb").read():
    tap.skip("python: this Python has no AddressSanitizer, and the library needs it")
    tap.done()
if not os.path.exists("weights/demo.clipc"):
    tap.skip("python: no weights/demo.clipc (make train-demo)")
    tap.done()
os.environ["CLIPC_LIBRARY"] = library
sys.path.insert(0, folder)
import clipc  # noqa: E402

tmp = tempfile.mkdtemp()
clip = clipc.Clip()
W, H, N = 96, 72, 12
rng = np.random.default_rng(5)
# Frame k: smooth, of its own colour, with k in a corner block.
ramp = np.add.outer(np.arange(H), np.arange(W)).astype(float)
frames = [np.stack([60 + ramp * 0.4 + 8 * k, 200 - ramp * 0.5 - 4 * k, 90 + 0 * ramp + 6 * k], 2)
          .clip(0, 255).astype(np.uint8) for k in range(N)]
for k, f in enumerate(frames):
    f[:16, :16] = 20 * k


def collect(source, order="RGB", **keywords):
    """[(frame_id, embedding, frame)] of the whole stream."""
    got = []
    clipc.Stream(source, clip, lambda r, f: got.append((r["frame_id"], r["embeddings"], f)), order,
                 use_main_thread=True, **keywords)
    return got


def ends(kind, words, function):
    try:
        function()
    except kind as error:
        tap.check(all(w in str(error) for w in words), "%s: %s" % (kind.__name__, error))
    else:
        tap.check(False, "%s was wanted: %s" % (kind.__name__, words))


def children():
    """The ffmpegs among this process's children, from /proc: a bare system has no ps."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            name, rest = open(stat).read().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it has ended meanwhile
            continue
        if int(rest.split()[1]) == os.getpid() and "ffmpeg" in name:
            found.append(name)
    return found


# ---- y4m, which needs no ffmpeg -----------------------------------------------------------------
def write_y4m(path, planes, kind, width=W, height=H, extra=""):
    with open(path, "wb") as f:
        f.write(("YUV4MPEG2 W%d H%d F25:1 Ip A1:1%s%s\n" % (width, height, kind, extra)).encode())
        for p in planes:
            f.write(b"FRAME\n" + b"".join(x.tobytes() for x in p))
    return path


def bt601(y, u, v, full):
    """The conversion in floating point, from its coefficients; half a level for rounding."""
    y = y.astype(float) if full else (y.astype(float) - 16) * 255 / 219
    u, v = ((c.astype(float) - 128) * (1 if full else 255 / 224) for c in (u, v))
    return np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], 2).clip(0, 255)


def plane(width, height):
    return rng.integers(0, 256, (height, width), np.uint8)


for kind, sx, sy, width, height, full in (
        (" C420jpeg", 2, 2, 31, 17, False), ("", 2, 2, 32, 16, False), (" C422", 2, 1, 31, 17, False),
        (" C444", 1, 1, 8, 9, False), (" C420mpeg2", 2, 2, 33, 18, True), (" Cmono", 0, 0, 9, 7, False)):
    planes = [[plane(width, height)] + ([plane(-(-width // sx), -(-height // sy)) for _ in "uv"] if sx else [])
              for _ in range(3)]
    path = write_y4m(tmp + "/kind.y4m", planes, kind, width, height, " XCOLORRANGE=FULL" if full else "")
    worst = 0
    got = collect(path)
    for (_, _, rgb), p in zip(got, planes):
        u, v = ([np.repeat(np.repeat(c, sy, 0), sx, 1)[:height, :width] for c in p[1:]] if sx
                else [np.full((height, width), 128, np.uint8)] * 2)
        worst = max(worst, np.abs(bt601(p[0], u, v, full) - rgb).max())
    tap.check(len(got) == 3 and worst < 0.51, "y4m%s%s, %d x %d: BT.601 within %.3f"
              % (kind, " of full range" if full else "", width, height, worst))
    script = """if 1:
        import sys
        sys.modules["numpy"] = None
        sys.path.insert(0, %r)
        import clipc
        def got(result, frame):
            sys.stdout.buffer.write(frame.tobytes())
        clipc.Stream(%r, on_prediction=got, output_channel_order="BGR", use_main_thread=True)""" % (folder, path)
    out = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=60).stdout
    tap.check(out == b"".join(f[:, :, ::-1].tobytes() for _, _, f in got), "the same without NumPy, and as BGR")

y4m = write_y4m(tmp + "/a.y4m", [[f.mean(2).astype(np.uint8)] for f in frames], " Cmono")
got = collect(y4m)
tap.check([g[0] for g in got] == list(range(1, N + 1)), "every frame, numbered from 1")
tap.check(all(isinstance(g[1], list) and len(g[1]) == 1 and isinstance(g[1][0], list) and
              isinstance(g[1][0][0], float) for g in got), "embeddings: a list of a list of floats")
tap.check(all(np.array_equal(np.float32(g[1]), clip.embed_image(g[2])) for g in got), "they are the frame's")
tap.check(all(g[2].shape == (H, W, 3) and g[2].flags.writeable and g[2].flags.c_contiguous for g in got),
          "frames: [height, width, 3], to draw on")
whole = open(y4m, "rb").read()
with open(tmp + "/cut.y4m", "wb") as f:
    f.write(whole[:-100])
seen = []
ends(clipc.ClipcError, ["cut.y4m", "frame %d" % N],
     lambda: clipc.Stream(tmp + "/cut.y4m", clip, lambda r, f: seen.append(1), use_main_thread=True))
tap.check(len(seen) == N - 1, "a file that is cut off: every whole frame first")
with open(tmp + "/bad.y4m", "wb") as f:
    f.write(whole.replace(b"FRAME\n", b"FRANE\n", 1))
ends(clipc.ClipcError, ["bad.y4m", "frame 1"], lambda: collect(tmp + "/bad.y4m"))
ends(FileNotFoundError, ["none.mp4"], lambda: collect(tmp + "/none.mp4"))
ends(ValueError, ["RBG"], lambda: collect(y4m, "RBG"))
ends(TypeError, ["function"], lambda: clipc.Stream(y4m, clip))

# ---- Starting and ending ------------------------------------------------------------------------
calls = []
stream = clipc.Stream(y4m, clip, lambda r, f: calls.append(threading.current_thread()), on_start=lambda: calls.append(1),
                      on_stop=lambda: calls.append(2))
stream.start()
stream.join()
tap.check(calls[0] == 1 and calls[-1] == 2 and len(calls) == N + 2 and threading.main_thread() not in calls,
          "a thread of its own: start() and join() as in their pipeline")
holder, calls = [], []


def terminate_at_3(result, frame):
    calls.append(result["frame_id"])
    if result["frame_id"] == 3:
        while not holder:
            time.sleep(0.001)
        holder[0].terminate()


holder.append(clipc.Stream(y4m, clip, terminate_at_3))
holder[0].join()
tap.check(calls == [1, 2, 3], "terminate() in the callback: no frame more")


def fail(result, frame):
    raise KeyError("the callback's own")


ends(KeyError, ["own"], lambda: clipc.Stream(y4m, clip, fail, use_main_thread=True))
told, hook = [], threading.excepthook
threading.excepthook = lambda args: told.append(args.exc_type)
ends(KeyError, ["own"], lambda: clipc.Stream(y4m, clip, fail).join())
threading.excepthook = hook
tap.check(told == [KeyError], "and the thread tells it too, for those who never join")
shown = []
stream = clipc.Stream(y4m, clip, lambda r, f: (shown.append(r["frame_id"]), time.sleep(0.05)), live=True)
stream.join()
tap.check(shown[-1] == N and stream.dropped > 0 and stream.dropped + len(shown) == N,
          "live: the newest frame of %d, %d dropped" % (N, stream.dropped))

# ---- Through ffmpeg -----------------------------------------------------------------------------
no_path = dict(os.environ, PATH=tmp)
out = subprocess.run([sys.executable, "-c", "import sys; sys.path.insert(0, %r); import clipc\n"
                      "clipc.Stream(%r, on_prediction=print, use_main_thread=True)" % (folder, __file__)],
                     env=no_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60).stdout.decode()
tap.check("apt-get install ffmpeg" in out.splitlines()[-1], out.splitlines()[-1])
if shutil.which("ffmpeg") is None:
    tap.skip("python: no ffmpeg (apt-get install ffmpeg)")
    shutil.rmtree(tmp)
    tap.done()


def make(path, *options, pictures=frames):
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
                    "%dx%d" % (W, H), "-r", "25", "-i", "-"] + list(options) + ["file:" + path], check=True,
                   input=b"".join(f.tobytes() for f in pictures), timeout=60)
    return path


mkv = make(tmp + "/-x.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp")
got = collect(mkv)
tap.check(len(got) == N and all(np.array_equal(g[2], f) for g, f in zip(got, frames)),
          "a lossless film: %d frames, bit for bit" % len(got))
tap.check(all(np.array_equal(np.float32(g[1]), clip.embed_image(f)) for g, f in zip(got, frames)), "their embeddings")
os.chdir(tmp)
got = collect("-x.mkv", "BGR")
os.chdir(os.path.join(folder, "../.."))
tap.check(len(got) == N and all(np.array_equal(g[2][:, :, ::-1], f) and g[2].flags.c_contiguous for g, f in zip(got, frames)),
          "-x.mkv, as BGR")
for name, options in ("yuv.mkv", ["-c:v", "ffv1", "-pix_fmt", "yuv420p"]), ("yuv.y4m", ["-pix_fmt", "yuv420p"]):
    path = make(tmp + "/" + name, *options)
    text = clip.embed_text("a red cross")
    mine = [clipc.cosine_similarity(g[1][0], text) for g in collect(path)]
    code, out, err = tap.run("watch", path, "a red cross")
    theirs = [json.loads(line)["cosines"][0] for line in out.splitlines()]
    tap.check(code == 0 and len(mine) == len(theirs) == N and np.allclose(mine, theirs, rtol=0, atol=1e-8),
              "%s: the cosines of `clipc watch` %s" % (name, err))
odd = make(tmp + "/odd.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp", "-vf", "select='not(eq(mod(n,4),1))',setpts=N*N/25/TB",
           "-vsync", "vfr")
tap.check(len(collect(odd)) == 9, "an odd rate: no frame twice, none left out")
with open(tmp + "/list.ffconcat", "w") as f:
    f.write("ffconcat version 1.0\nfile '%s'\n" % mkv)
with open(tmp + "/list.m3u8", "w") as f:
    f.write("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n" % mkv)
for name in "list.ffconcat", "list.m3u8", "list.mp4":
    if name == "list.mp4":
        shutil.copy(tmp + "/list.m3u8", tmp + "/list.mp4")
    ends(clipc.ClipcError, [name, "not opened"], lambda: collect(tmp + "/" + name))
with open(tmp + "/noise.mp4", "wb") as f:
    f.write(rng.bytes(5000))
ends(clipc.ClipcError, ["noise.mp4", "ffmpeg"], lambda: collect(tmp + "/noise.mp4"))
os.mkfifo(tmp + "/fifo")
keep = os.open(tmp + "/fifo", os.O_RDWR)  # somebody who never writes
began = time.monotonic()
ends(clipc.ClipcError, ["fifo", "no picture for 1 s"], lambda: collect(tmp + "/fifo", timeout=1))
tap.check(time.monotonic() - began < 10, "a source that stalls: %.1f s" % (time.monotonic() - began))
stream = clipc.Stream(tmp + "/fifo", clip, print)
time.sleep(0.3)
stream.terminate()
stream.join()
os.close(keep)
tap.check(not children(), "terminate() from outside; no ffmpeg is left behind %s" % children())

# ---- The example --------------------------------------------------------------------------------
try:
    import cv2
except ImportError:
    tap.skip("python: no OpenCV (apt-get install python3-opencv)")
    shutil.rmtree(tmp)
    tap.done()
card = cv2.imread("tests/images/ace-of-spades-19.png")
other = cv2.imread("tests/images/blue-heart-1.png")
film = tmp + "/cards.mkv"
scenes = [cv2.resize(p, (640, 480), interpolation=cv2.INTER_CUBIC)[:, :, ::-1] for p in (card, other)]
W, H = 640, 480
make(film, "-c:v", "ffv1", "-pix_fmt", "gbrp", pictures=[scenes[0]] * 4 + [scenes[1]] * 4)
shim = tmp + "/shim"
os.mkdir(shim)
with open(shim + "/sitecustomize.py", "w") as f:
    f.write("""
import cv2
put_text, count, percents = cv2.putText, [0], []
def note(image, text, *rest):
    if text.endswith("%%"):
        percents.append(text)
    return put_text(image, text, *rest)
def show(title, image):
    count[0] += 1
    cv2.imwrite("%s/shown-%%d.png" %% count[0], image)
    with open("%s/percents", "w") as f:
        print(*percents[::2], sep="\\n", file=f)
cv2.putText, cv2.imshow, cv2.waitKey = note, show, lambda ms: -1
""" % (tmp, tmp))
p = subprocess.run([sys.executable, folder + "/example.py", film], env=dict(os.environ, PYTHONPATH=shim),
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
percents = [float(line.split()[0]) for line in open(tmp + "/percents")] if p.returncode == 0 else []
tap.check(p.returncode == 0 and len(percents) == 8 and min(percents[:4]) > 90 and max(percents[4:]) < 10,
          "example.py: %s %s" % (percents, p.stdout.decode()[-300:]))
shown = cv2.imread(tmp + "/shown-1.png")
drawn = (shown != scenes[0][:, :, ::-1]).any(2)
tap.check(drawn[40:125, 5:400].mean() > 0.2 and drawn[440:470, 5:400].mean() > 0.2 and not drawn[150:420].any(),
          "percentage and prompt are drawn, and nothing else")
lines = open(folder + "/example.py").read().splitlines()
tap.check(sum("  # was: " in line for line in lines) == 2 and len([x for x in lines if x.strip()]) <= 40,
          "two lines of it are imports from here")
if shutil.which("xvfb-run") is None:
    tap.skip("python: no xvfb-run (apt-get install xvfb xauth)")
else:
    p = subprocess.run(["xvfb-run", "-a", sys.executable, folder + "/example.py", film], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=120)
    tap.check(p.returncode == 0, "example.py in a window: %s" % p.stdout.decode()[-300:])
words = re.findall(r"^from clipc import .*|^import clipc.*", "\n".join(lines), re.M)
tap.check(len(words) == 2, "example.py: %s" % "; ".join(words))
shutil.rmtree(tmp)
tap.done()
