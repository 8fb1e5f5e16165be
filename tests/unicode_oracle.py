#!/usr/bin/python3
"""Compares src/token/unicode.c and src/token/html.c with Python's unicodedata, regex and html modules, and NFC with
Unicode's own NormalizationTest.txt.  usage: unicode_oracle.py BUILD/tests/test_unicode"""
import bz2
import html
import html.entities
import os
import random
import re
import subprocess
import sys
import unicodedata

from tap import check, done, skip

DRIVER = sys.argv[1]
FOLDER = "/usr/share/unicode"


def through(what, texts):
    """Each text through the C program."""
    lines = "".join(t.encode().hex() + "\n" for t in texts)
    out = subprocess.run([DRIVER, what], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [bytes.fromhex(line).decode() for line in out.stdout.decode().split("\n")[:-1]]


def compare(what, name, texts, wanted):
    got = through(what, texts)
    wrong = [(t, g, w) for t, g, w in zip(texts, got, wanted) if g != w]
    check(len(got) == len(texts) and not wrong, "%s: %d texts, %d differ" % (name, len(texts), len(wrong)))
    for t, g, w in wrong[:5]:
        print("# %s: got %s, not %s" % (ascii(t), ascii(g), ascii(w)))


def properties():
    """Every code point that Python's (older) Unicode knows as we do."""
    try:
        import regex
    except ImportError:
        regex = None
    wrong = {}
    known = 0
    out = subprocess.run([DRIVER, "properties"], stdout=subprocess.PIPE, check=True).stdout.decode()
    for line in out.splitlines():
        head, _, nfc = line.partition(" ,")
        fields = head.split(" ")
        c = chr(int(fields[0], 16))
        if regex is not None:
            mine = [bool(regex.match(p, c)) for p in (r"\p{L}", r"\p{N}", r"\s")]
            if mine != [fields[1][0] == "1", fields[1][1] == "1", fields[1][3] == "1"]:
                wrong.setdefault("regex classes", []).append(c)
        if unicodedata.category(c) == "Cn":
            continue
        known += 1
        digit = unicodedata.category(c) == "Nd"
        # str.lower() of a sigma behind the letter a and c, and behind c alone
        sigma = "%d%d" % (("a" + c + "\u03a3").lower()[-1] == "\u03c2", (c + "\u03a3").lower()[-1] == "\u03c2")
        points = lambda s: [ord(x) for x in s]
        for name, good in (
                ("category L", (unicodedata.category(c)[0] == "L") == (fields[1][0] == "1")),
                ("category N", (unicodedata.category(c)[0] == "N") == (fields[1][1] == "1")),
                ("category Nd", digit == (fields[1][2] == "1")),
                ("white space", (c.isspace() and not 0x1c <= ord(c) <= 0x1f) == (fields[1][3] == "1")),
                ("final sigma", sigma == fields[1][4:]),
                ("lower case", c == "\u03a3" or points(c.lower()) == [int(x, 16) for x in fields[2:]]),
                ("NFC", points(unicodedata.normalize("NFC", c)) == [int(x, 16) for x in nfc.split()])):
            if not good:
                wrong.setdefault(name, []).append(c)
    names = ["category L", "category N", "category Nd", "white space", "final sigma", "lower case", "NFC"]
    for name in names:
        bad = wrong.get(name, [])
        check(not bad, "%s of %d code points as Python's Unicode %s has it (%d differ: %s)" % (
            name, known, unicodedata.unidata_version, len(bad), ["%x" % ord(c) for c in bad[:8]]))
    if regex is None:
        skip("Python's regex module is missing")
    else:
        bad = wrong.get("regex classes", [])
        check(not bad, "\\p{L} \\p{N} \\s of all 1,112,064 code points as regex %s has them (%d differ)"
              % (regex.__version__, len(bad)))


def normalization_test():
    """Columns: source; NFC; NFD; NFKC; NFKD.  NFC of the first three is the second; of the last two the
    fourth."""
    path = FOLDER + "/NormalizationTest.txt.bz2"
    if not os.path.exists(path):
        return skip("%s is missing (package unicode-data)" % path)
    texts, wanted = [], []
    for line in bz2.open(path, "rt", encoding="utf-8"):
        line = line.split("#")[0].strip()
        if not line or line[0] == "@":
            continue
        c = ["".join(chr(int(x, 16)) for x in f.split()) for f in line.split(";")[:5]]
        texts += c
        wanted += [c[1], c[1], c[1], c[3], c[3]]
    compare("nfc", "NormalizationTest.txt", texts, wanted)


def random_nfc():
    rng = random.Random(5)
    pool = [chr(c) for c in range(0x110000) if unicodedata.decomposition(chr(c)) or unicodedata.combining(chr(c))]
    pool += [chr(c) for c in list(range(0x1100, 0x1200)) + list(range(0xac00, 0xac40)) + [0x61, 0x41, 0x3b1]]
    texts = ["".join(rng.choices(pool, k=rng.randrange(1, 16))) for _ in range(20000)]
    texts = [t for t in texts if not re.search("[\ud800-\udfff]", t)]
    compare("nfc", "NFC of random texts", texts, [unicodedata.normalize("NFC", t) for t in texts])


def ftfy_entities():
    """What ftfy's documentation says: entities of letters and digits that end in ';'; names in capitals
    too where html.unescape makes nothing of them."""
    table = {n: c for n, c in html.entities.html5.items() if n.endswith(";")}
    for name, c in list(table.items()):
        if name == name.lower() and html.unescape("&" + name.upper()) == "&" + name.upper():
            table[name.upper()] = c.upper()

    def one(m):
        whole = m.group(0)
        if whole[1:] in table:
            return table[whole[1:]]
        plain = html.unescape(whole) if whole[1] == "#" else whole
        return whole if ";" in plain else plain
    return lambda text: re.sub(r"&#?[0-9A-Za-z]{1,24};", one, text)


def entities():
    rng = random.Random(6)
    names = sorted(html.entities.html5)
    texts = ["&" + n for n in names] + ["&" + n.upper() for n in names] + ["&" + n.lower() for n in names]
    texts += ["&" + n.rstrip(";") + tail for n in names for tail in ("", "x", "x;", "1;", "=")]
    texts += ["&%s%s;" % (n.rstrip(";").upper(), t) for n in names for t in ("", "x")]
    numbers = [0, 1, 8, 9, 10, 11, 12, 13, 14, 31, 32, 59, 126, 127, 128, 129, 130, 159, 160, 0xd7ff, 0xd800,
               0xdfff, 0xe000, 0xfdd0, 0xfdef, 0xfffe, 0xffff, 0x10000, 0x1fffe, 0x10ffff, 0x110000, 10**30]
    for n in numbers + [rng.randrange(0x120000) for _ in range(500)]:
        texts += ["&#%d;" % n, "&#%d" % n, "&#x%x;" % n, "&#X%X" % n, "&#0%dx;" % n, "&#x%xg;" % n]
    pieces = ["&", ";", "#", "x", "amp", "lt", "AMP;", "lt;", "&amp;", "&#38;", "38", "notit", "a" * 33, "é", " ",
              "<", "\t", "nbsp", "&NBSP;", "&SZLIG;", "&nGt;", "zwj;", "&#", "&#x", "\0", "\u0660"]
    texts += ["".join(rng.choices(pieces, k=rng.randrange(1, 9))) for _ in range(40000)]
    # what a reference to a surrogate gives cannot occur: both make U+FFFD of it
    compare("html", "html.unescape", texts, [html.unescape(t) for t in texts])
    compare("ftfy", "ftfy's entities", texts, list(map(ftfy_entities(), texts)))


properties()
normalization_test()
random_nfc()
entities()
done()
