"""The playing cards of the drawn world, counted by other means: on upright cards the connected patches of
ink are what the face must have, in the suit's colour, and other seeds give other cards."""
import os
import subprocess
import sys
import tempfile

import tap

train = os.path.join(tap.build, "clipc-train")
if not os.path.exists(train):
    tap.skip("no %s: it needs OpenBLAS (apt-get install libopenblas-dev)" % train)
    tap.done()
import numpy as np

SIZE, SEEDS = 192, 9
RANKS = "ace two three four five six seven eight nine ten jack queen king".split()
SUITS = "spades hearts diamonds clubs".split()
tmp = tempfile.mkdtemp()


def draw(*args):
    """(names, pictures [n, SIZE, SIZE, 3] in 0 to 1)"""
    out = subprocess.run([train, "draw", "--size", str(SIZE), "-o", tmp + "/s.ppm"] + [str(a) for a in args],
                         stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    with open(tmp + "/s.ppm", "rb") as f:
        head = [f.readline() for _ in range(3)]
        width, height = (int(x) for x in head[1].split())
        sheet = np.frombuffer(f.read(), np.uint8).reshape(height // SIZE, SIZE, width // SIZE, SIZE, 3)
    return out, sheet.transpose(0, 2, 1, 3, 4).reshape(-1, SIZE, SIZE, 3)[:len(out)] / 255.0


def patches(mask):
    """How many connected patches of more than a few pixels, diagonals included."""
    label = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        grown = np.pad(label, 1)
        for dy in range(3):
            for dx in range(3):
                grown[1:-1, 1:-1] = np.maximum(grown[1:-1, 1:-1],
                                               np.pad(label, 1)[dy:dy + mask.shape[0], dx:dx + mask.shape[1]])
        grown = np.where(mask, grown[1:-1, 1:-1], 0)
        if (grown == label).all():
            break
        label = grown
    return int((np.bincount(label.ravel())[1:] > 3).sum())


def card_of(picture):
    """The upright card's inside: 0.95 of the height, 1 to 1.4."""
    half_y, half_x = 0.475 * SIZE - 4, 0.475 / 1.4 * SIZE - 4
    c = SIZE / 2
    return picture[int(c - half_y):int(c + half_y), int(c - half_x):int(c + half_x)]


layouts = {"pips": 0, "big": 0, "corners": 0}
wrong, colours = [], []
for rank, rank_name in enumerate(RANKS):
    for suit, suit_name in enumerate(SUITS):
        names, pictures = draw("--easy", "--rank", rank, "--suit", suit, "--count", SEEDS,
                               "--seed", 1000 + 100 * rank + 20 * suit)
        if set(names) != {"the %s of %s" % (rank_name, suit_name)}:
            wrong.append(names)
        corner = 2 * (3 if rank == 9 else 2)  # of each index a letter (1 and 0) and a suit
        middle = {"pips": rank + 1 if rank < 10 else 4, "big": 1, "corners": 0}
        for picture in pictures:
            card = card_of(picture)
            paper = np.median(card.reshape(-1, 3), 0)
            mask = np.abs(card - paper).max(-1) > 0.3
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
tap.check(not wrong, "52 faces, %d cards each: as many patches of ink as the face has %s" % (SEEDS, wrong[:3]))
tap.check(min(layouts.values()) > 40, "all three layouts come: %s" % layouts)
tap.check(not colours, "hearts and diamonds are red, the others are not %s" % colours[:3])

names, pictures = draw("--card", "--count", 54)
again = draw("--card", "--count", 54)
tap.check(names == again[0] and (pictures == again[1]).all(), "the same seeds draw the same cards")
tap.check(len(set(names)) > 25, "seeds draw any face: %d of 54 cards differ" % len(set(names)))
tap.check(len({p.tobytes() for p in pictures}) == 54, "no two pictures are the same")
bad = [a for a in (["--rank", "13"], ["--suit", "4"], ["--count", "0"], ["--size", "4"])
       if subprocess.run([train, "draw", "-o", tmp + "/x.ppm"] + a, stderr=subprocess.DEVNULL).returncode != 2]
tap.check(not bad, "a face that there is not, no picture, too small a picture: wrong usage %s" % bad)
# ---- What is said of them -----------------------------------------------------------------------------

SHAPES = "circle square triangle star heart diamond ring cross hexagon".split()
COLOURS = "red green blue yellow orange purple pink brown black white gray cyan".split()


def facts(text):
    """The words of a caption or a name that say something."""
    words = text.replace(",", "").split()
    found = {w for w in words if w in RANKS or w in SUITS or w in SHAPES or w in COLOURS}
    return found | {"card"} if "card" in words or found & set(RANKS + SUITS) else found


def all_facts(name):
    """Everything that is true of a scene of that name."""
    found = facts(name)
    if "card" in found:
        found.add("red" if found & {"hearts", "diamonds"} else "black")
    return found


def captions_of(*args):
    out = subprocess.run([train, "draw", "--size", "8", "-o", tmp + "/s.ppm"] + [str(a) for a in args],
                         stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    half = len(out) // 2
    return [line.split("\t") for line in out[:half]], out[half:]


for kind, most in (["--card"], 60), ([], 80):
    lines, truth = captions_of("--count", most, "--captions", 20, *kind)
    lies = [(name, c) for name, *captions in lines for c in captions if not facts(c) <= all_facts(name)]
    tap.check(len(lines) == most and not lies, "%d captions of %d scenes are true %s"
              % (sum(len(x) - 1 for x in lines), most, lies[:3]))
    wanted = ["".join("01"[facts(other[1]) <= all_facts(name)] for other in lines) for name, *_ in lines]
    tap.check(truth == wanted, "which caption is true of which scene, %d pairs, %d true"
              % (most * most, sum(row.count("1") for row in wanted)))
    full = sum(len(facts(c)) >= len(facts(name)) for name, *captions in lines for c in captions)
    words = {c for _, *captions in lines for c in captions}
    tap.check(0.5 < full / (20.0 * most) < 0.95 and len(words) > 100,
              "%d %% say all that there is to say; %d wordings" % (5 * full / most, len(words)))
tap.done()
