"""The drawn world, looked at by other means: on upright cards the connected patches of ink are what the
face must have, in the suit's colour; the same scene comes out of every format; and what is said of scenes
is worked out again here from the words."""
import atexit
import os
import shutil
import subprocess
import tempfile

import tap

train = os.path.join(tap.build, "clipc-train")
if not os.path.exists(train):
    tap.skip("no %s: it needs OpenBLAS and stb (apt-get install libopenblas-dev libstb-dev)" % train)
    tap.done()
import numpy as np

try:
    from PIL import Image
except ImportError as e:
    tap.skip("%s (apt-get install python3-pil)" % e)
    tap.done()

SIZE, SEEDS = 192, 6
NEAR = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
RANKS = "ace two three four five six seven eight nine ten jack queen king".split()
SUITS = "spades hearts diamonds clubs".split()
tmp = tempfile.mkdtemp()
atexit.register(shutil.rmtree, tmp)


def draw(*args, to="s.png"):
    """(names, pictures [n, SIZE, SIZE, 3] in 0 to 1)"""
    out = subprocess.run([train, "draw", "--size", str(SIZE), "-o", "%s/%s" % (tmp, to)] + [str(a) for a in args],
                         stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode().split("\n")[:-1]
    sheet = np.asarray(Image.open("%s/%s" % (tmp, to)))
    height, width, _ = sheet.shape
    sheet = sheet.reshape(height // SIZE, SIZE, width // SIZE, SIZE, 3)
    return out, sheet.transpose(0, 2, 1, 3, 4).reshape(-1, SIZE, SIZE, 3)[:len(out)] / 255.0


def patches(mask):
    """How many connected patches of more than a few pixels, diagonals included."""
    left = {(int(y), int(x)) for y, x in zip(*mask.nonzero())}
    n = 0
    while left:
        todo, size = [left.pop()], 0
        while todo:
            y, x = todo.pop()
            size += 1
            for near in NEAR:
                if (y + near[0], x + near[1]) in left:
                    left.remove((y + near[0], x + near[1]))
                    todo.append((y + near[0], x + near[1]))
        n += size > 3
    return n


def card_of(picture):
    """The upright card's inside: 0.95 of the height, 1 to 1.4."""
    half_y, half_x = 0.475 * SIZE - 4, 0.475 / 1.4 * SIZE - 4
    c = SIZE / 2
    return picture[int(c - half_y):int(c + half_y), int(c - half_x):int(c + half_x)]


layouts = {"pips": 0, "big": 0, "corners": 0}
wrong, colours = [], []
for rank, rank_name in enumerate(RANKS):
    for suit, suit_name in enumerate(SUITS):
        names, pictures = draw("--easy", "--rank", rank_name, "--suit", suit_name, "--count", SEEDS,
                               "--seed", 1000 + 100 * rank + 20 * suit)
        if set(names) != {"the %s of %s" % (rank_name, suit_name)}:
            wrong.append(names)
        corner = 2 * (3 if rank == 9 else 2)  # of each index a letter (1 and 0) and a suit
        middle = {"pips": rank + 1 if rank < 10 else 4, "big": 1, "corners": 0}
        for picture in pictures:
            card = card_of(picture)
            paper = np.median(card.reshape(-1, 3), 0)
            mask = np.abs(card - paper).max(-1) > 0.2
            n = patches(mask) - corner
            kind = [k for k in middle if middle[k] == n]
            if not kind:
                wrong.append("%s of %s: %d patches in the middle" % (rank_name, suit_name, n))
            else:
                layouts[kind[0]] += 1
            ink = card[mask].mean(0)
            red = ink[0] - max(ink[1], ink[2]) > 0.3
            if red != (suit in (1, 2)):
                colours.append("%s of %s: ink %s" % (rank_name, suit_name, ink.round(2)))
# A hairline thinner than a pixel breaks, suits of a thick font touch: one card in a hundred may differ.
tap.check(len(wrong) <= 52 * SEEDS // 100, "52 faces, %d cards each: %d have not as many patches of ink as the face %s"
          % (SEEDS, len(wrong), wrong[:3]))
tap.check(min(layouts.values()) > 40, "all three layouts come: %s" % layouts)
tap.check(not colours, "hearts and diamonds are red, the others are not %s" % colours[:3])

names, pictures = draw("--card", "--count", 54)
again = draw("--card", "--count", 54)
tap.check(names == again[0] and (pictures == again[1]).all(), "the same seeds draw the same cards")
tap.check(len(set(names)) > 25, "seeds draw any face: %d of 54 cards differ" % len(set(names)))
tap.check(len({p.tobytes() for p in pictures}) == 54, "no two pictures are the same")
for ending in "ppm", "jpg":
    other = draw("--card", "--count", 54, "--quality", 95, to="s." + ending)[1]
    most = abs(other - pictures).max() if ending == "ppm" else abs(other - pictures).mean()
    tap.check(other.shape == pictures.shape and most <= (0 if ending == "ppm" else 0.02),
              "the same picture as .%s: difference %.3f" % (ending, most))
names, pictures = draw("--empty", "--easy", "--count", 18)
tap.check(set(names) == {"nothing"} and max(p.std(axis=(0, 1)).max() for p in pictures) < 0.01,
          "18 easy empty backgrounds are flat")
subprocess.run([train, "draw", "--each", "--card", "--count", "3", "--size", "96", "-o", tmp + "/each"],
               stdout=subprocess.DEVNULL, check=True)
files = sorted(os.listdir(tmp + "/each"))
wanted = sorted("%s-%d.jpg" % (n.replace("the ", "").replace(" ", "-"), i + 1)
                for i, n in enumerate(draw("--card", "--count", 3)[0]))
tap.check(files == wanted and all(Image.open("%s/each/%s" % (tmp, f)).size == (96, 96) for f in files),
          "--each: a picture a file, %s" % files)
bad = [a for a in (["--rank", "eleven"], ["--suit", "4"], ["--count", "0"], ["--size", "4"], ["--card", "--empty"],
                   ["--colour", "red", "--rank", "ace"], ["--shape", ""], ["--quality", "0"], ["-o", tmp + "/x.bmp"],
                   ["-o", tmp + "/no/x.png"], ["--each", "-o", tmp + "/s.png"])
       if subprocess.run([train, "draw", "-o", tmp + "/x.png"] + a, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL).returncode not in (1, 2)]
tap.check(not bad, "what there is not, too small a picture, no such folder: refused %s" % bad)

# ---- What is said of them -----------------------------------------------------------------------------

SHAPES = "circle square triangle star heart diamond ring cross hexagon".split()
COLOURS = "red green blue yellow orange purple pink brown black white gray cyan".split()


def facts(text):
    """The words of a caption or a name that say something."""
    words = text.replace(",", "").split()
    found = {w for w in words if w in RANKS or w in SUITS or w in SHAPES or w in COLOURS}
    if not found and "card" not in words:
        assert set(words) & {"nothing", "empty"}, text
        return {"nothing"}
    return found | {"card"} if "card" in words or found & set(RANKS + SUITS) else found


def all_facts(name):
    """Everything that is true of a scene of that name."""
    found = facts(name)
    if "card" in found:
        found.add("red" if found & {"hearts", "diamonds"} else "black")
    return found


def captions_of(*args):
    out = subprocess.run([train, "draw", "--size", "8", "-o", tmp + "/s.png"] + [str(a) for a in args],
                         stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    half = len(out) // 2
    return [line.split("\t") for line in out[:half]], out[half:]


everything = []
for kind, most, least in (["--card"], 60, 100), ([], 80, 100), (["--empty"], 9, 8):
    lines, truth = captions_of("--count", most, "--captions", 20, *kind)
    lies = [(name, c) for name, *captions in lines for c in captions if not facts(c) <= all_facts(name)]
    tap.check(len(lines) == most and not lies, "%d captions of %d scenes are true %s"
              % (sum(len(x) - 1 for x in lines), most, lies[:3]))
    wanted = ["".join("01"[facts(other[1]) <= all_facts(name)] for other in lines) for name, *_ in lines]
    tap.check(truth == wanted, "which caption is true of which scene, %d pairs, %d true"
              % (most * most, sum(row.count("1") for row in wanted)))
    full = sum(len(facts(c)) >= len(facts(name)) for name, *captions in lines for c in captions)
    words = {c for _, *captions in lines for c in captions}
    tap.check(0.5 < full / (20.0 * most) and len(words) >= least, "%d %% say all that there is to say; %d wordings"
              % (5 * full / most, len(words)))
    everything.append(words)
tap.check(not everything[0] & everything[1] and not (everything[0] | everything[1]) & everything[2],
          "no caption of one kind is one of another")
tap.done()
