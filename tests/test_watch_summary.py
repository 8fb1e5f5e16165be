"""`clipc watch --summary`: the frames that are least alike, and the sheet that they are shown on."""
import io
import json
import math
import os
import re

import numpy as np
from PIL import Image

import tap
from watching import check_nothing_left, done, in_terminal, pngs, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()
rng = np.random.default_rng(11)
jpeg = "JPEG" in tap.run("info", "--build")[1].decode()
usual = "summary.jpg" if jpeg else "summary.png"


def shapes(n, width, height):
    """Frames of pictures of the model's world that move, each for some frames."""
    out = []
    for i in range(n):
        name = ("ace-of-spades-19", "red-cross-5", "blue-heart-1", "orange-star-7", "ten-of-hearts-17", "pink-cross-11")[i // 5 % 6]
        base = Image.new("RGB", (width, height), (60 + i, 110, 100 - i))
        base.paste(Image.open("tests/images/%s.png" % name).convert("RGB").resize((height - 20, height - 20)), (4 * (i % 5), 10))
        out.append(np.clip(np.asarray(base).astype(int) + rng.integers(-8, 9, (height, width, 3)), 0, 255).astype(np.uint8))
    return out


def film(name, frames):
    open("%s/%s.rgb" % (tmp, name), "wb").write(b"".join(f.tobytes() for f in frames))
    return ["%s/%s.rgb" % (tmp, name), "--format", "raw", "--size", "%dx%d" % (frames[0].shape[1], frames[0].shape[0]), "--rate", "10"]


def distances(name):
    rows = np.load("%s/%s.npy" % (tmp, name)).astype(float)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(2)), rows


def greedy(d, n):
    """Farthest-point selection by its definition."""
    i, k = np.unravel_index(np.argmax(d), d.shape)
    chosen = [min(i, k)]
    while len(chosen) < n:
        chosen.append(int(np.argmax(d[:, chosen].min(1))))
    return sorted(int(c) for c in chosen)


def least(d, chosen):
    return min(d[i, k] for i in chosen for k in chosen if i != k)


def covered(err):
    return float(re.search(r"cosine of at least (-?[\d.]+) with one", err).group(1))


# ---- Which frames ------------------------------------------------------------------------------------------

frames = shapes(40, 200, 120)
F = film("film", frames)
for n in (1, 2, 5, 9):
    code, r, err = watch(*F, "--summary", n, "--summary-file", tmp + "/s.png", "--embed", tmp + "/film.npy", "--stats")
    d, rows = distances("film")
    got = [x["frame"] for x in r]
    tap.check(code == 0 and got == greedy(d, n), "%d of 40 frames: those of farthest-point selection: %s" % (n, got))
    cosines = rows[got] @ rows[got].T - 9 * np.eye(n)
    tap.check(all(x["timestamp"] == x["frame"] / 10 and x["source"] == F[0] and x["summary"] == i + 1 and
                  (x["nearest"] is None if n == 1 else abs(x["nearest"] - max(c)) < 1e-6) for i, (x, c) in enumerate(zip(r, cosines))),
              "in order of time, each with the cosine of the most similar other")
    cover = (rows @ rows[got].T).max(1).min()
    tap.check(abs(covered(err) - cover) < 6e-4 if 2 * n + 32 >= 40 else covered(err) <= cover + 6e-4, "how well they stand for the film: %g, %.3f" % (covered(err), cover))
noise = [rng.integers(0, 256, (6, 6, 3), dtype=np.uint8) // (1 + i // 100) for i in range(700)]
for n in (2, 7):
    code, r, err = watch(*film("noise", noise), "--summary", n, "--summary-file", tmp + "/s.png", "--embed", tmp + "/noise.npy", "--stats")
    d, rows = distances("noise")
    got, best = [x["frame"] for x in r], greedy(d, n)
    cover = covered(err)
    tap.check(code == 0 and len(got) == n and least(d, got) >= 0.5 * least(d, best), "%d of 700 with room for %d: %.3f apart, with all at hand %.3f" %
              (n, 2 * n + 32, least(d, got), least(d, best)))
    tap.check(cover - 6e-4 <= (rows @ rows[got].T).max(1).min(), "no frame is less like them than is said: %g, %.3f" % (cover, (rows @ rows[got].T).max(1).min()))
code, r, err = watch(*film("same", [frames[0]] * 5 + [frames[7]] * 5), "--summary", "4", "--summary-file", tmp + "/s.png")
tap.check(code == 0 and [x["frame"] for x in r] == [0, 5] and "2 different" in err, "frames that are the same are one: " + err.strip())
code, r, err = watch("a=" + F[0], "b=" + F[0], *F[1:], "--summary", "3", "--summary-file", tmp + "/s.png", "--every", "7", "a red cross")
tap.check(code == 0 and len(r) == 15 and [x["source"] for x in r[12:]] == sorted(x["source"] for x in r[12:]) and
          all("cosines" in x for x in r[:12]) and all("summary" in x for x in r[12:]), "two sources and a prompt: their frames' lines, then the summary's")
code, out, err = tap.run("watch", *F, "--summary", "2", "--summary-file", tmp + "/s.png", "--json")
tap.check(code == 0 and [x["frame"] for x in json.loads(out)] == greedy(distances("film")[0], 2), "--json: one array")

# ---- The sheet ---------------------------------------------------------------------------------------------

GAP = 8
text = "libass yes" in tap.run("info", "--build")[1].decode() and tap.run("watch", F[0], *F[1:], "x", "-o", tmp + "/try.mp4")[0] == 0
LINE = 22 if text else 0


def check_sheet(path, pictures, columns, places, what):
    sheet = np.asarray(Image.open(path).convert("RGB")).astype(int)
    width, height = places[0], places[1] + LINE
    want = np.full(((height + GAP) * math.ceil(len(pictures) / columns) + GAP, (width + GAP) * columns + GAP, 3), 24)
    if sheet.shape != want.shape:
        tap.check(False, "%s: %s, not %s" % (what, sheet.shape, want.shape))
        return
    ink = []
    for i, p in enumerate(pictures):
        x, y = GAP + i % columns * (width + GAP), GAP + i // columns * (height + GAP)
        below = np.s_[y + places[1]:y + height, x:x + width]
        ink += [(sheet[below] > 150).sum() / 3] if text else []
        want[below] = sheet[below]
        x, y = x + (width - p.width) // 2, y + (places[1] - p.height) // 2
        want[y:y + p.height, x:x + p.width] = np.asarray(p.convert("RGB"))
    tap.check(np.array_equal(sheet, want) and all(20 < n < 400 for n in ink), "%s: %d x %d, text of %s pixels" % (what, sheet.shape[1], sheet.shape[0], ink[:3]))


code, r, err = watch(*F, "--summary", "9", "--summary-file", tmp + "/s.png")
check_sheet(tmp + "/s.png", [Image.fromarray(frames[x["frame"]]) for x in r], 4, (200, 120), "small frames stay as they are")
large = shapes(10, 1000, 564)
code, r, err = watch(*film("large", large), "--summary", "7", "--summary-file", tmp + "/large.png")
place = ((1920 - GAP) // 3 - GAP, int(((1920 - GAP) // 3 - GAP) * 564 / 1000 + 0.5))
check_sheet(tmp + "/large.png", [Image.fromarray(large[x["frame"]]).resize(place, Image.BILINEAR) for x in r], 3, place, "large ones are made smaller")
code, r, err = watch(*film("large", large), "--summary", "7", "--summary-file", tmp + "/large.jpg")
if jpeg:
    png, jpg = (np.asarray(Image.open(tmp + "/large." + e).convert("RGB")).astype(int) for e in ("png", "jpg"))
    tap.check(code == 0 and png.shape == jpg.shape and np.abs(png - jpg).mean() < 4, "the same as JPEG: %.1f apart" % np.abs(png - jpg).mean())
else:
    tap.check(code == 2 and "libjpeg" in err, "without libjpeg no JPEG: " + err.strip())
os.mkdir(tmp + "/mixed")
tall = Image.open("tests/images/ace-of-spades-19.png").convert("RGB").resize((150, 400))
mixed = [tall, Image.open("tests/images/red-cross-5.png").convert("L").resize((300, 100)), Image.open("tests/images/blue-heart-1.png").convert("RGBA").resize((40, 30)),
         Image.open("tests/images/orange-star-7.png").convert("RGB").resize((1500, 4000))]
for i, p in enumerate(mixed):
    p.save("%s/mixed/%d.png" % (tmp, i))
code, r, err = watch(tmp + "/mixed/*.png", "--summary", "4", "--summary-file", tmp + "/mixed.png")
want = [tall, mixed[1].resize((150, 50), Image.BILINEAR), mixed[2], mixed[3].resize((150, 400), Image.BILINEAR)]
tap.check(code == 0 and [x["path"] for x in r] == ["%s/mixed/%d.png" % (tmp, i) for i in range(4)], "pictures have their paths")
check_sheet(tmp + "/mixed.png", want, 4, (150, 400), "other shapes, gray and alpha stand in the middle of places of the first one's shape")

# ---- Files and mistakes ------------------------------------------------------------------------------------

code, r, err = watch(*F, "--summary", "2", cwd=tmp)
first = open(tmp + "/" + usual, "rb").read()
tap.check(code == 0 and Image.open(io.BytesIO(first)).size[0] == 2 * 208 + 8, "without a name it is %s" % usual)
code, r, err = watch(*F, "--summary", "3", cwd=tmp)
tap.check(code == 1 and usual in err and open(tmp + "/" + usual, "rb").read() == first, "which is not replaced: " + err.strip()[-70:])
code, r, err = watch(*F, "--summary", "3", "--summary-file", tmp + "/s.png")
tap.check(code == 0 and Image.open(tmp + "/s.png").size == (2 * 208 + 8, 2 * (128 + LINE) + 8), "one that was named is")
paths = pngs(frames[:3], "p")
before = open(paths[1], "rb").read()
code, r, err = watch(tmp + "/p-*.png", "--summary", "2", "--summary-file", paths[1])
tap.check(code != 0 and open(paths[1], "rb").read() == before, "but none that is read: " + err.strip()[-60:])
for args, words in ((["--summary-file", "x.png", "y"], "--summary N"), (["--summary", "2", "--summary-file", "x.bmp"], ".png"), (["--summary", "401"], "400"),
                    (["--summary", "x"], "--summary"), (["--summary", "0"], "no prompts"), (["--summary", "2", "--csv", "x"], "--csv")):
    code, r, err = watch(*F, *args)
    tap.check(code == 2 and words in err and not os.path.exists("x.png"), "%s is wrong usage: %s" % (" ".join(args), err.strip()[:90]))
code, r, err = watch(*F, "--summary", "2", "--summary-file", tmp + "/no/such/x.png")
tap.check(code == 1 and r == [] and "no/such/x.png" in err, "where nothing can be written: " + err.strip()[-60:])
code, r, err = watch("-", *F[1:], "--summary", "2", "--summary-file", tmp + "/none.png", input=b"")
tap.check(r == [] and "no frame" in err and not os.path.exists(tmp + "/none.png"), "no frames, no sheet: " + err.strip())
code, r, err = watch("-", *F[1:], "--summary", "2", "--summary-file", tmp + "/part.png", input=b"".join(f.tobytes() for f in frames[:8]) + b"x")
tap.check(code == 1 and [x.get("summary") for x in r] == [None, 1, 2] and os.path.exists(tmp + "/part.png"), "of a film that breaks off, what there was")
code, data, err = in_terminal(*F, "--summary", "2", "--summary-file", tmp + "/s.png", "a red cross")
shown = re.findall(r" +\d  [\d.]+ s, .*(?=\r)", re.sub(r"\033\[\d*[A-Za-z]", "", data.decode()))
want = greedy(distances("film")[0], 2)
tap.check(code == 0 and shown == ["%3d  %.2f s, frame %d  %s" % (i + 1, f / 10, f, F[0]) for i, f in enumerate(want)], "in a terminal, below the bars: " + " | ".join(shown))
check_nothing_left()
done()
