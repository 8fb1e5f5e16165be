"""What the tests of `clipc watch` share: its records, what classify says of the same pictures, its view in a terminal,
what it left behind."""
import json
import math
import os
import pty
import shutil
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image

import tap

tmp = tempfile.mkdtemp()
tap.clipc = clipc = os.path.abspath(tap.clipc)
os.environ["CLIPC_WATCH_TEST"] = tmp  # by which programs that were left behind are known
prompts = ["an ace of spades playing card", "a red cross", "a blue heart"]
# Pictures of the model's world, as frames of one size.
names = ["ace-of-spades-19", "red-cross-5", "blue-heart-1", "jack-of-hearts-15", "nothing-24"]
frames = [np.asarray(Image.open("tests/images/%s.png" % n).convert("RGB").resize((130, 98))) for n in names]


def watch(*args, **keywords):
    """(exit code, records, stderr)."""
    code, out, err = tap.run("watch", *args, **keywords)
    return code, [json.loads(line) for line in out.splitlines()], err


def cosines(paths, labels=prompts):
    """What classify says: [pictures, labels]."""
    _, out, err = tap.run("classify", *paths, "--jsonl", *[x for l in labels for x in ("--label", l)])
    rows = [{x["label"]: x["cosine"] for x in json.loads(line)["labels"]} for line in out.splitlines()]
    return [[r[l] for l in labels] for r in rows]


def pngs(frames, name):
    paths = []
    for i, f in enumerate(frames):
        paths.append("%s/%s-%03d.png" % (tmp, name, i))
        Image.fromarray(f).save(paths[-1])
    return paths


def difference(records, want):
    """Of cosines, the largest; infinite where one is missing."""
    if len(records) != len(want) or any(r["cosines"] is None for r in records):
        return math.inf
    return max(abs(a - b) for r, w in zip(records, want) for a, b in zip(r["cosines"], w))


def start(*args, **keywords):
    """Without buffers of Python's: what readline() had read ahead, communicate() would not find."""
    return subprocess.Popen([clipc, "watch"] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **keywords)


def fake_ffmpeg(script):
    """Environment in which ffmpeg is this script; $T is tmp."""
    os.makedirs(tmp + "/bin", exist_ok=True)
    open(tmp + "/bin/ffmpeg", "w").write(script.replace("$T", tmp))
    os.chmod(tmp + "/bin/ffmpeg", 0o755)
    return dict(os.environ, PATH=tmp + "/bin:" + os.environ["PATH"])


def in_terminal(*args):
    """watch with a terminal as stdout: (exit code, all that it wrote there, stderr)."""
    master, slave = pty.openpty()
    p = subprocess.Popen([clipc, "watch"] + [str(a) for a in args], stdout=slave, stderr=subprocess.PIPE)
    os.close(slave)
    data, part = b"", b"."
    while part:
        try:
            part = os.read(master, 65536)
        except OSError:  # Linux: the last one has closed it
            part = b""
        data += part
    os.close(master)
    err = p.communicate()[1]
    return p.returncode, data, err.decode()


def programs():
    """What runs beside this test and was started by it or by what it started: [command lines]."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) != os.getpid() and b"CLIPC_WATCH_TEST=%s\0" % tmp.encode() in open("/proc/%s/environ" % pid, "rb").read():
                found.append(open("/proc/%s/cmdline" % pid).read().replace("\0", " ")[:100])
        except OSError:
            pass
    return found


def check_nothing_left():
    """No half file, no program."""
    files = [x for folder, _, names in os.walk(tmp) for x in names if ".part" in x or x.startswith(".clipc")]
    running, until = programs(), time.time() + 2
    while running and time.time() < until:  # one that was killed takes its time
        time.sleep(0.05)
        running = programs()
    tap.check(files == [] and running == [], "nothing is left behind, no file and no program: %s %s" % (files, running))


def done():
    shutil.rmtree(tmp)
    tap.done()
