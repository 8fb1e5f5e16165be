"""Figures of `clipc watch`: how near its stages come to the slowest of them alone, whether it follows a film at the
film's own speed, and the memory that an hour of frames takes.  It asserts nothing about time, because a shared
machine's figures mean little alone; it fails when a frame is lost or memory grows.

usage: python3 tests/load_watch.py [--seconds N] [--rounds N] [--frames N] [--model FILE] [-- OPTIONS OF WATCH]

Without --model it is ViT-B/32 with random weights in f16; the film is ffmpeg's testsrc2 as H.264, 1280 x 720 with 30
frames a second, for 20 seconds (--seconds).  Both are kept in build/load.  The hour of frames (108000, --frames; 0:
none) is small pictures through a pipe into a tiny model, with everything that watch leaves beside its answers."""
import argparse
import json
import os
import re
import statistics
import subprocess
import time

import numpy as np

import tap

folder = os.path.join(tap.build, "load")
rate, failed = 30, False


def wrong(text):
    global failed
    failed = True
    print("  WRONG: " + text, flush=True)


def make(path, command):
    """A file that is kept, made under another name first."""
    if not os.path.exists(path):
        stem, ending = os.path.splitext(path)
        subprocess.run(command + [stem + ".part" + ending], check=True, stderr=subprocess.DEVNULL)
        os.rename(stem + ".part" + ending, path)
    return path


def film(seconds):
    return make("%s/film-%d.mp4" % (folder, seconds), [
        "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=%d" % rate, "-t", str(seconds), "-c:v", "libx264", "-pix_fmt", "yuv420p"])


def clipc(*args):
    """As tap.run, however long it takes."""
    p = subprocess.run([tap.clipc] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")


# ---- Speed -------------------------------------------------------------------------------------------------


def whole(source, frames, options):
    """Every frame, as fast as it goes; the share of the slower stage's rate, and of what the CPUs can do of both."""
    npy = folder + "/frames.npy"
    code, _, err = clipc("watch", source, "--embed", npy, "--stats", *options)
    for line in err.splitlines():
        print("  " + line.replace("clipc: ", ""), flush=True)
    rows = len(np.load(npy)) if code == 0 else 0
    if rows != frames:
        wrong("exit code %d, %d of %d frames" % (code, rows, frames))
    shares = [float(x) for x in re.findall(r"pipeline has ([\d.]+)", err)]
    return shares if len(shares) == 2 else [float("nan")] * 2


def follow(source, frames, options):
    """At the film's own speed: what is dropped, and how old the answers are."""
    begun = time.monotonic()
    code, out, err = clipc("watch", source, "--realtime", "--outliers", *options)
    took = time.monotonic() - begun
    records = [json.loads(line) for line in out.splitlines()]
    if code != 0 or not records:
        return wrong("--realtime: exit code %d: %s" % (code, err))
    latency = 1e3 * np.array([r["latency"] for r in records])
    print("  %d of %d frames answered, %d dropped, %.1f s for %.1f s of film; from frame to answer %.0f ms in the middle, %.0f in 95 %%, %.0f at most" %
          (len(records), frames, records[-1]["dropped"], took, frames / rate, np.median(latency), np.percentile(latency, 95), latency.max()), flush=True)
    if len(records) + records[-1]["dropped"] > frames:
        wrong("more frames than the film has")


# ---- Memory ------------------------------------------------------------------------------------------------


def kilobytes(pid):
    """(all that is resident, what of it is the process's own)."""
    status = open("/proc/%d/status" % pid).read()
    return tuple(int(re.search(key + r":\s+(\d+)", status).group(1)) for key in ("VmRSS", "RssAnon"))


def hour(frames):
    """Memory while so many frames go by, 20 times."""
    width, height = 64, 48
    rng = np.random.default_rng(1)
    some = [b"FRAME\n" + rng.integers(0, 256, height * width, dtype=np.uint8).tobytes() for _ in range(997)]
    if not os.path.exists(folder + "/vocabulary"):
        tap.byte_vocabulary(folder + "/vocabulary")
    model = make(folder + "/mini.clipc", [tap.clipc, "convert", "tests/golden/mini", "--vocab", folder + "/vocabulary", "-o"])
    leaves = [x for option, ending in (("csv", "csv"), ("srt", "srt"), ("svg", "svg"), ("embed", "npy"), ("summary-file", "png"))
              for x in ("--" + option, folder + "/hour." + ending)]
    p = subprocess.Popen([tap.clipc, "watch", "-", "cat", "dog", "--outliers", "--summary", "9", "-m", model] + leaves, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    p.stdin.write(b"YUV4MPEG2 W%d H%d F%d:1 Cmono\n" % (width, height, rate))
    seen, begun = [], time.monotonic()
    for i in range(frames):
        p.stdin.write(some[i % len(some)])
        if (i + 1) % (frames // 20) == 0:
            seen.append(kilobytes(p.pid))
            print("  %6d frames, %4.0f a second: %d kB resident, %d of them its own" % (i + 1, (i + 1) / (time.monotonic() - begun), *seen[-1]), flush=True)
    p.stdin.close()
    if p.wait() != 0 or len(np.load(folder + "/hour.npy", mmap_mode="r")) != frames:
        wrong("exit code %d, or frames are missing" % p.returncode)
    own = [s[1] for s in seen]
    if max(own[10:]) > max(own[2:10]) + 1024:
        wrong("the second half hour took more memory than the first: %d kB, %d kB" % (max(own[10:]), max(own[2:10])))


parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=int, default=20)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--frames", type=int, default=108000)
parser.add_argument("--model")
parser.add_argument("options", nargs="*")
arguments = parser.parse_args()
os.makedirs(folder, exist_ok=True)
shares = []
if arguments.rounds > 0:
    model = arguments.model or make(folder + "/vit-b-32.clipc", [tap.clipc, "convert", "--synthetic", "vit-b-32", "--dtype", "f16", "-o"])
    source, frames = film(arguments.seconds), rate * arguments.seconds
    options = ["-m", model] + arguments.options
for k in range(arguments.rounds):
    bench = json.loads(clipc("bench", "--whole", "-m", model, "--kernels", tap.kernel_sets()[0], "--json")[1])
    ms = ["%.0f ms (%d threads)" % (r["ms"], r["threads"]) for r in bench if r.get("encode") == "image" and r["batch"] == 1]
    print("round %d of %d: bench says that one picture takes %s" % (k + 1, arguments.rounds, ", ".join(ms)), flush=True)
    shares.append(whole(source, frames, options))
    follow(source, frames, options)
if shares:
    for what, values in zip(("that of its slower stage alone", "what the CPUs can do of all stages"), zip(*shares)):
        print("the pipeline's rate over %s: %s; in the middle %.2f" % (what, " ".join("%.2f" % v for v in values), statistics.median(values)))
if arguments.frames > 0:
    print("an hour of frames:")
    hour(arguments.frames)
raise SystemExit(failed)
