"""`clipc watch` on a disk that is full, for everything that it can leave: a file system of a few kilobytes of memory, the
ffmpeg that is installed here.  All answers are there, one sentence says which file is missing, and what was on that disk
before is as it was."""
import json
import os
import re
import shutil
import subprocess

import numpy as np

import tap
from watching import check_nothing_left, clipc, done, frames, prompts, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()
build = tap.run("info", "--build")[1].decode()
jpeg = "JPEG" in build
has_text, has_ffmpeg = bool(re.search("libass yes", build)), shutil.which("ffmpeg") is not None

# Pictures of the model's world in noise, which nothing compresses.
rng = np.random.default_rng(7)
noisy = [np.clip(frames[i // 8 % 5].astype(int) + rng.integers(-30, 31, frames[0].shape), 0, 255).astype(np.uint8) for i in range(80)]
raw = tmp + "/film.rgb"
open(raw, "wb").write(b"".join(f.tobytes() for f in noisy))
C = [raw, "--format", "raw", "--size", "130x98", *prompts]
EVENTS = ["--threshold", "0.3"]
_, all_frames, _ = watch(*C)
_, all_events, _ = watch(*C, *EVENTS)
disk = tmp + "/disk"
os.mkdir(disk)


def on_disk(kilobytes, *options):
    """watch where `disk` has so much room but for a file "old": (exit code, records, stderr, {name: bytes} then);
    None where nothing can be mounted."""
    script = 'mount -t tmpfs -o size=%dk none "$0" || exit 77; echo mine > "$0/old"; "$@"; c=$?; cp -a "$0/." %s/after; exit $c' % (kilobytes, tmp)
    shutil.rmtree(tmp + "/after", ignore_errors=True)
    os.mkdir(tmp + "/after")
    wrap = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    try:
        p = subprocess.run(wrap + ["sh", "-c", script, disk, clipc, "watch", *C, *options], capture_output=True, text=True, timeout=300)
    except FileNotFoundError:
        return None
    if p.returncode == 77 or p.stderr.startswith("unshare"):
        return None
    left = {os.path.relpath(os.path.join(folder, n), tmp + "/after"): open(os.path.join(folder, n), "rb").read()
            for folder, _, names in os.walk(tmp + "/after") for n in names}
    return p.returncode, [json.loads(line) for line in p.stdout.splitlines()], p.stderr, left


def same(a, b, missing=()):
    """But for times that no two runs share, and names of files that could not be written."""
    drop = ("latency", "dropped", *missing)
    return [{k: v for k, v in x.items() if k not in drop} for x in a] == [{k: v for k, v in x.items() if k not in drop} for x in b]


if on_disk(64, "--every", "40") is None:
    tap.skip("full disks: nothing can be mounted here (root, or a kernel that lets users unshare)")
    if os.path.exists("/dev/full"):
        for option in ("csv", "srt", "svg"):
            code, r, err = watch(*C, "--" + option, "/dev/full")
            tap.check(code == 1 and "/dev/full" in err, "--%s /dev/full: %s" % (option, err.strip()))
    done()

films = [("-o", "x.mp4", 32), ("-o", "x.mkv", 32)] if has_text and has_ffmpeg else []
if not films:
    tap.skip("-o: no ffmpeg, or built without libass")
sheets = [["--summary", "9", "--summary-file", "s.png"]] + ([["--summary", "9", "--summary-file", "s.jpg"]] if jpeg else [])
for option, name, kilobytes, more in ([(o, n, k, []) for o, n, k in films] +
                                      [("--csv", "x.csv", 8, []), ("--srt", "x.srt", 4, []), ("--svg", "x.svg", 8, []), ("--embed", "x.npy", 32, [])] +
                                      [(s[2], s[3], 24, s[:2]) for s in sheets]):
    code, r, err, left = on_disk(kilobytes, *more, option, disk + "/" + name)
    tap.check(code == 1 and same(r[:len(all_frames)], all_frames) and "No space left on device" in err and name in err and left == {"old": b"mine\n"},
              "%s %s on a full disk: all answers, nothing left there %s: %s" % (option, name, sorted(left), err.splitlines()[0] if err else ""))
    code, r, err, left = on_disk(4096, *more, option, disk + "/" + name)
    tap.check(code == 0 and err == "" and name in left, "and with room for it: %s" % sorted(left))

# Every event's own file: those for which there was room are whole, and named in their events.
saved = [("--save-frames", "frame_file", 40)] + ([("--save-clips", "clip_file", 900)] if has_ffmpeg else [])
if not has_ffmpeg:
    tap.skip("--save-clips: no ffmpeg")
for option, key, kilobytes in saved:
    code, r, err, left = on_disk(kilobytes, *EVENTS, option, disk + "/kept")
    named = sorted("kept/" + os.path.basename(x[key]) for x in r if x[key] is not None)
    missing = sum(x["event"] == "end" and x[key] is None for x in r)
    tap.check(code == 1 and same(r, all_events, ("frame_file", "clip_file")) and 0 < missing and sorted(left) == sorted(named + ["old"]) and
              "No space left on device" in err and option in err, "%s on a full disk: %d events have a file, %d none, every event is told: %s" %
              (option, len(named), missing, err.splitlines()[0] if err else ""))
    code, r, err, left = on_disk(8192, *EVENTS, option, disk + "/kept")
    tap.check(code == 0 and err == "" and len(left) == 1 + sum(x["event"] == "end" for x in r), "and with room for them: %d files" % (len(left) - 1))

# What is replaced only when it is whole: yesterday's film, table and vectors.
for option, name, kilobytes in films[:1] + [("--csv", "x.csv", 8), ("--embed", "x.npy", 40)]:
    script = 'mount -t tmpfs -o size=%dk none "$0" && echo yesterday > "$0/%s"; "$@"; c=$?; cat "$0/%s"; ls -A "$0"; exit $c' % (kilobytes, name, name)
    p = subprocess.run(["unshare", "-rm" if os.geteuid() else "-m", "sh", "-c", script, disk, clipc, "watch", *C, option, disk + "/" + name],
                       capture_output=True, text=True, timeout=300)
    tap.check(p.returncode == 1 and p.stdout.splitlines()[len(all_frames):] == ["yesterday", name] and "No space left" in p.stderr,
              "%s over a file of yesterday: that is still there: %s" % (option, p.stdout.splitlines()[len(all_frames):][:2]))
check_nothing_left()
done()
