"""The window of `clipc watch --show`: ffplay on a screen of Xvfb, photographed by ffmpeg, closed as a user would."""
import atexit
import ctypes
import ctypes.util
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
from PIL import Image

import tap
from watching import clipc, done, fake_ffmpeg, prompts, start, tmp, watch

x11 = ctypes.util.find_library("X11")
missing = ("no embedded model (make train-demo)" if not os.path.exists("weights/demo.clipc") else
           "built without libass (apt-get install libass-dev)"
           if not re.search("libass yes", tap.run("info", "--build")[1].decode()) else
           "no ffplay or no Xvfb (apt-get install ffmpeg xvfb)"
           if not all(shutil.which(p) for p in ("ffmpeg", "ffplay", "Xvfb")) or not x11 else None)
SCREEN = (1320, 520)
r, w = os.pipe()
xvfb = None if missing else subprocess.Popen(["Xvfb", "-displayfd", str(w), "-screen", "0", "%dx%dx24" % SCREEN, "-nolisten", "tcp", "-noreset"],
                                             pass_fds=[w], stderr=subprocess.DEVNULL)
os.close(w)
number = os.read(r, 16).decode().strip() if xvfb and select.select([r], [], [], 20)[0] else ""
if not missing and not number:
    missing = "Xvfb does not start here"
if xvfb:
    atexit.register(xvfb.kill)
if missing:
    tap.skip(missing)
    done()
display = ":" + number
os.environ.update(DISPLAY=display, SDL_VIDEODRIVER="x11", SDL_AUDIODRIVER="dummy")
real = shutil.which("ffmpeg")
lib = ctypes.CDLL(x11)
ignore = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda d, e: 0)
lib.XSetErrorHandler(ignore)  # a window that is gone meanwhile is no reason to end
lib.XOpenDisplay.restype = ctypes.c_void_p
for f in ("XDefaultRootWindow", "XInternAtom"):
    getattr(lib, f).restype = ctypes.c_ulong


def windows():
    """Those of that name."""
    d = lib.XOpenDisplay(display.encode())
    root, parent, n = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    children, found = ctypes.POINTER(ctypes.c_ulong)(), []
    lib.XQueryTree(ctypes.c_void_p(d), ctypes.c_ulong(lib.XDefaultRootWindow(ctypes.c_void_p(d))), ctypes.byref(root),
                   ctypes.byref(parent), ctypes.byref(children), ctypes.byref(n))
    for i in range(n.value):
        name = ctypes.c_char_p()
        if lib.XFetchName(ctypes.c_void_p(d), ctypes.c_ulong(children[i]), ctypes.byref(name)) and name.value == b"clipc watch":
            found.append(children[i])
    lib.XCloseDisplay(ctypes.c_void_p(d))
    return found


class Message(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("sent", ctypes.c_int), ("display", ctypes.c_void_p),
                ("window", ctypes.c_ulong), ("kind", ctypes.c_ulong), ("format", ctypes.c_int), ("data", ctypes.c_long * 5),
                ("room", ctypes.c_char * 128)]


def close_window(window):
    """What a window manager sends when its cross is clicked."""
    d = ctypes.c_void_p(lib.XOpenDisplay(display.encode()))
    atom = [lib.XInternAtom(d, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")]
    m = Message(33, 0, 1, d, window, atom[0], 32, (ctypes.c_long * 5)(atom[1], 0, 0, 0, 0))
    lib.XSendEvent(d, ctypes.c_ulong(window), 0, 0, ctypes.byref(m))
    lib.XCloseDisplay(d)


def wait_for_window(p, seconds=30):
    until = time.time() + seconds
    while time.time() < until and p.poll() is None:
        if windows():
            return windows()[0]
        time.sleep(0.05)
    return None


def photograph(path=tmp + "/screen.png"):
    subprocess.run([real, "-v", "error", "-y", "-f", "x11grab", "-draw_mouse", "0", "-video_size", "%dx%d" % SCREEN, "-i", display,
                    "-frames:v", "1", path])
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def photograph_when(good, seconds=20):
    """The first screen of which good(screen) is true, or the last."""
    until = time.time() + seconds
    while True:
        screen = photograph()
        if good(screen) or time.time() > until:
            return screen


def children_of(pid):
    return open("/proc/%d/task/%d/children" % (pid, pid)).read().split() if os.path.exists("/proc/%d/task/%d/children" % (pid, pid)) else []


def place(screen):
    """(left, top, right, bottom) of what is not black."""
    ys, xs = np.flatnonzero((screen.max(axis=2) > 30).any(axis=1)), np.flatnonzero((screen.max(axis=2) > 30).any(axis=0))
    return (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1) if len(xs) else (0, 0, 0, 0)


W, H = 160, 120
green, blue = bytes([60, 160, 70]) * (W * H), bytes([50, 60, 180]) * (W * H)
open(tmp + "/green.rgb", "wb").write(green * 30)
open(tmp + "/blue.rgb", "wb").write(blue * 30)
R = ["--format", "raw", "--size", "%dx%d" % (W, H), "--rate", "10"]

# ---- A film --------------------------------------------------------------------------------------------

began = time.time()
p = start(tmp + "/green.rgb", *R, *prompts, "--show")
shown = wait_for_window(p)
screen = photograph_when(lambda s: place(s)[2] - place(s)[0] == 640)
left, top, right, bottom = place(screen)
tap.check(shown and (right - left, bottom - top) == (640, 480), "a window; of small frames, 640x480: %dx%d" % (right - left, bottom - top))
view = screen[top:bottom, left:right] if right > left else np.zeros((480, 640, 3), int)
off = abs(view[:240] - (60, 160, 70)).max()
tap.check(off < 12, "the frame is in it (at most %d off)" % off)
letters = (view[300:, 20:400].min(axis=2) > 220).sum()
tap.check(letters > 300 and abs(view[300:, 20:300].mean(axis=(0, 1)) - (60, 160, 70)).max() > 15, "and the answers on it: %d white pixels" % letters)
out, err = p.communicate(timeout=60)
took = time.time() - began
tap.check(p.returncode == 0 and len(out.splitlines()) == 30 and took > 2.7 and not windows(),
          "it plays at its own speed and closes: 3 s of film in %.1f s %s" % (took, err.decode().strip()))

# ---- Its end -------------------------------------------------------------------------------------------

open(tmp + "/long.rgb", "wb").write(green * 600)
for name, end, want in (("closed by the user", lambda p, w: close_window(w), 0), ("Ctrl-C", lambda p, w: p.send_signal(signal.SIGINT), -signal.SIGINT)):
    p = start(tmp + "/long.rgb", *R, "a red cross", "--show", "--csv", tmp + "/a.csv", "-o", tmp + "/a.mp4")
    window = wait_for_window(p)
    photograph_when(lambda s: place(s)[2] > 0)
    kids, began = children_of(p.pid), time.time()
    end(p, window)
    out, err = p.communicate(timeout=60)
    n = len(out.splitlines())
    rows = len(open(tmp + "/a.csv").read().splitlines()) - 1
    taken = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=nb_frames", "-of", "csv=p=0", tmp + "/a.mp4"], capture_output=True, text=True).stdout
    alive = [k for k in kids if os.path.exists("/proc/" + k)]
    tap.check(p.returncode == want and time.time() - began < 15 and 0 < n < 600 and rows == n and int(taken) == n and not alive and not windows(),
              "%s: the watch ends after %d frames, with its files, exit %s, no program left: %s %s" % (name, n, p.returncode, alive, err.decode().strip()))
p = start("-", *R, "a red cross", "--show", stdin=subprocess.PIPE)
p.stdin.write(green * 3)
p.stdin.flush()
window = wait_for_window(p)
photograph_when(lambda s: place(s)[2] > 0)
close_window(window or 0)
until = time.time() + 20
while p.poll() is None and time.time() < until:
    time.sleep(0.1)
tap.check(p.poll() == 0, "closed while no frame comes: exit %s" % p.poll())
p.kill()
p.communicate()

# ---- Several sources -----------------------------------------------------------------------------------

p = start("garden=" + tmp + "/green.rgb", "pool=" + tmp + "/blue.rgb", *R, *prompts, "--show")
wait_for_window(p)
two = photograph_when(lambda s: (abs(s - (50, 60, 180)).max(axis=2) < 25).sum() > 9999 and (abs(s - (60, 160, 70)).max(axis=2) < 25).sum() > 9999)
left, top, right, bottom = place(two)
middle = (left + right) // 2
halves = [np.median(two[top:bottom, a:b], axis=(0, 1)) for a, b in ((left, middle), (middle, right))]
off = max(abs(h - c).max() for h, c in zip(halves, ((60, 160, 70), (50, 60, 180))))
titles = [(two[top:top + 60, a:a + 150].min(axis=2) > 220).sum() for a in (left, middle)]
tap.check(off < 12 and min(titles) > 60, "two sources side by side, their names above: colours at most %d off, letters %s" % (off, titles))
out, err = p.communicate(timeout=60)
tap.check(p.returncode == 0 and len(out.splitlines()) == 60, "and all frames answered %s" % err.decode().strip())

# ---- A camera ------------------------------------------------------------------------------------------

# Its frames have their number in them, as sixteen squares, black or white.
camera = """#!%s
import os, sys, time
open("$T/began", "w").write(repr(time.time()))
for i in range(10**6):
    time.sleep(max(0, float(open("$T/began").read()) + i / 30 - time.time()))
    row = b"".join((b"\\xff" if i >> k & 1 else b"\\x30") * 60 for k in range(16))
    os.write(3, b"frame:%%d pts:%%d pts_time:0\\nclipc=1\\n" %% (i, 1e6 * i / 30))
    sys.stdout.buffer.write(b"P6\\n320 240\\n255\\n" + row * 60 + b"\\x60" * (320 * 3 * 180))
    sys.stdout.buffer.flush()
""" % sys.executable
p = subprocess.Popen([clipc, "watch", "cam=rtsp://camera/1", *prompts, "--show"], env=fake_ffmpeg(camera), stdout=subprocess.DEVNULL,
                     stderr=subprocess.PIPE)
window = wait_for_window(p)
lag, seen = [], []
until = time.time() + 12
while time.time() < until and p.poll() is None and len(seen) < 12:
    now = time.time()
    s = photograph()  # of then or later
    left, top, right, bottom = place(s)
    if right - left == 640:
        bits = [s[top + 60, left + 20 + 40 * k].mean() > 140 for k in range(16)]
        seen.append(sum(b << k for k, b in enumerate(bits)))
        lag.append(now - float(open(tmp + "/began").read()) - seen[-1] / 30)
    time.sleep(0.2)
close_window(window or 0)
out, err = p.communicate(timeout=60)
late = sorted(lag)[len(lag) // 2] if lag else 99
tap.check(p.returncode == 0 and len(seen) > 3 and seen == sorted(seen) and late < 1, "a camera's frames are shown as they come: %.2f s old in "
          "the photographs (%s) %s" % (late, " ".join("%.2f" % x for x in lag), err.decode().strip()))

# ---- What is not there ---------------------------------------------------------------------------------

env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
began = time.time()
code, records, err = watch(tmp + "/long.rgb", *R, "x", "--show", env=env)
tap.check(code == 1 and "--show" in err and "ffplay" in err and time.time() - began < 30 and len(records) < 600, "no screen: " + err.strip())
os.mkdir(tmp + "/empty")
code, records, err = watch(tmp + "/green.rgb", *R, "x", "--show", env=dict(os.environ, PATH=tmp + "/empty"))
tap.check(code == 1 and not records and "apt-get install ffmpeg" in err, "no ffplay: " + err.strip())
done()
