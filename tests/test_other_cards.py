"""Playing cards drawn by another program, Pillow, in fonts that training never saw, DejaVu's, ranks and
suits alike, and in layouts of their own: does the demo model know them?"""
import atexit
import json
import os
import random
import shutil
import sys
import tempfile

import tap

try:
    from PIL import Image, ImageDraw, ImageFont
except ImportError as e:
    tap.skip("%s (apt-get install python3-pil)" % e)
    tap.done()

FOLDERS = ["/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/dejavu-sans-fonts", "/usr/share/fonts/TTF",
           "/usr/share/fonts/dejavu"]
folder = next((f for f in FOLDERS if os.path.exists(f + "/DejaVuSans.ttf")), None)
if folder is None:
    tap.skip("no DejaVu fonts (apt-get install fonts-dejavu-core)")
    tap.done()
if not os.path.exists("weights/demo.clipc"):
    tap.skip("no weights/demo.clipc (make train-demo)")
    tap.done()

RANKS = "ace two three four five six seven eight nine ten jack queen king".split()
LETTERS = "A 2 3 4 5 6 7 8 9 10 J Q K".split()
SUITS = "spades hearts diamonds clubs".split()
SYMBOLS = "\u2660\u2665\u2666\u2663"
WIDTH, HEIGHT = 250, 350
# Columns (-1, 0, 1) and rows of the pips of two to ten in the upper half, the middle row apart.
UPPER = [[], [(0, 1)], [(0, 1)], [(-1, 1), (1, 1)], [(-1, 1), (1, 1)], [(-1, 1), (1, 1)], [(-1, 1), (1, 1)],
         [(-1, 1), (1, 1), (0, .5)], [(-1, 1), (1, 1), (-1, .33), (1, .33)],
         [(-1, 1), (1, 1), (-1, .33), (1, .33), (0, .67)]]
MIDDLE = [[0], [], [0], [], [0], [-1, 1], [-1, 1], [-1, 1], [0], []]


def font(size, bold=False):
    name = "DejaVuSans-Bold.ttf" if bold and os.path.exists(folder + "/DejaVuSans-Bold.ttf") else "DejaVuSans.ttf"
    return ImageFont.truetype(os.path.join(folder, name), size)


def centred(card, x, y, text, face, ink, turned=False):
    layer = Image.new("RGBA", card.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=face)
    draw.text((x - (left + right) / 2, y - (top + bottom) / 2), text, font=face, fill=ink)
    if turned:
        layer = layer.rotate(180, center=(x, y))
    card.alpha_composite(layer)


def face_of(rank, suit, layout, bold):
    """The card alone, upright."""
    card = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0))
    ImageDraw.Draw(card).rounded_rectangle((0, 0, WIDTH - 1, HEIGHT - 1), 18, fill=(255, 255, 255),
                                           outline=(90, 90, 90), width=2)
    ink = (190, 0, 20) if suit in (1, 2) else (10, 10, 10)
    symbol, letter = SYMBOLS[suit], LETTERS[rank]
    for turn in range(2):  # an index in two corners
        centred(card, 33, 38, letter, font(50, bold), ink)
        centred(card, 33, 86, symbol, font(48), ink)
        card = card.rotate(180)
    if layout == "large" or rank == 0:
        centred(card, WIDTH / 2, HEIGHT / 2, symbol, font(170), ink)
    elif rank >= 10:
        centred(card, WIDTH / 2, HEIGHT / 2, letter, font(140, bold), ink)
    else:
        places = [(x, -y) for x, y in UPPER[rank]] + [(x, 0) for x in MIDDLE[rank]]
        places += [(0, -.5)] if rank == 6 else []  # a seven's odd one
        for x, y in places + [(x, y) for x, y in UPPER[rank]]:
            centred(card, WIDTH / 2 + 48 * x, HEIGHT / 2 + 115 * y, symbol, font(60), ink, turned=y > 0)
    return card


def picture(rank, suit, layout, seed):
    """On a table: plain, from light to dark, or rough; turned by up to 12 degrees."""
    dice = random.Random(seed)
    size = 400
    colour = [dice.randrange(20, 190) for _ in range(3)]
    table = Image.new("RGB", (size, size), tuple(colour))
    kind = seed % 3
    if kind == 1:
        ramp = Image.linear_gradient("L").resize((size, size))
        table = Image.composite(table, Image.new("RGB", (size, size), tuple(c // 2 for c in colour)), ramp)
    elif kind == 2:
        grain = Image.frombytes("L", (100, 100), bytes(dice.randrange(256) for _ in range(10000)))
        table = Image.blend(table, grain.resize((size, size), Image.BICUBIC).convert("RGB"), 0.2)
    card = face_of(rank, suit, layout, dice.random() < 0.5)
    scale = dice.uniform(0.9, 1.05)
    card = card.resize((int(WIDTH * scale), int(HEIGHT * scale)), Image.BICUBIC)
    card = card.rotate(dice.uniform(-12, 12), Image.BICUBIC, expand=True)
    x, y = ((size - side) // 2 + dice.randrange(-8, 9) for side in card.size)
    table.paste(card, (x, y), card)
    return table


tmp = tempfile.mkdtemp()
atexit.register(shutil.rmtree, tmp)
names = ["%s %s of %s playing card" % ("an" if r[0] in "ae" else "a", r, s) for r in RANKS for s in SUITS]
with open(tmp + "/labels.txt", "w") as f:
    f.write("\n".join(names) + "\n")
paths, wanted, layouts = [], [], []
for layout in ("large", "pips"):
    for i in range(52):
        path = "%s/%s-%02d.png" % (tmp, layout, i)
        picture(i // 4, i % 4, layout, 1000 * (layout == "pips") + i).save(path)
        paths.append(path)
        wanted.append(names[i])
        layouts.append(layout)

model = sys.argv[1:] or ["weights/demo.clipc"]
code, out, err = tap.run("classify", "-m", model[0], "--labels", tmp + "/labels.txt", "--top", "5", "--jsonl", *paths)
best = [[label["label"] for label in json.loads(line)["labels"]] for line in out.decode().splitlines()]
right = [a[0] == b for a, b in zip(best, wanted)]
for layout in ("large", "pips"):
    mine = [r for r, l in zip(right, layouts) if l == layout]
    print("# %s: %d of %d" % (layout, sum(mine), len(mine)))
rank = sum(a[0].split()[1] == b.split()[1] for a, b in zip(best, wanted))
suit = sum(a[0].split()[3] == b.split()[3] for a, b in zip(best, wanted))
five = sum(b in a for a, b in zip(best, wanted))
tap.check(code == 0 and len(best) == 104, "104 cards classified among 52 faces")
tap.check(sum(right) >= 0.8 * 104, "%d of 104 right (80 %% wanted); ranks %d, suits %d, among the best five %d"
          % (sum(right), rank, suit, five))
tap.done()
