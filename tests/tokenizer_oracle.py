#!/usr/bin/python3
"""The tokenizer a second time, in plain Python over the regex, unicodedata and html modules, and what
it says compared with the C program's ids: random texts with a small vocabulary trained here; and, where
$CLIPC_GOLDEN has them, the ids of the reference programs; those also through the command itself.
usage: tokenizer_oracle.py BUILD/tests/test_tokenizer BUILD/clipc"""
import base64
import collections
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unicodedata

import regex

from cleaning import basic_clean, ftfy
from tap import check, done, skip

DRIVER, CLIPC = sys.argv[1:3]


# ---- Clean-up ------------------------------------------------------------------------------------------

def clean_openai(text):
    return regex.sub(r"\s+", " ", basic_clean(text)).strip().lower()


# ---- Words and merges ----------------------------------------------------------------------------------

class Tokenizer:
    def __init__(self, merges, byte_ids, sot, eot, sot_text="<|startoftext|>", eot_text="<|endoftext|>"):
        self.ranks = {(a, b): (rank, c) for rank, (a, b, c) in reversed(list(enumerate(merges)))}
        self.merges, self.byte_ids, self.sot, self.eot = merges, byte_ids, sot, eot
        self.sot_text, self.eot_text = sot_text, eot_text
        words = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
        both = "|".join(map(regex.escape, (sot_text, eot_text)))
        self.words = regex.compile(words)
        self.words_openai = regex.compile(both + "|" + words, regex.IGNORECASE)
        self.path = tempfile.NamedTemporaryFile(suffix=".tables")
        flat = [x for m in merges for x in m]
        self.path.write(struct.pack("<%di" % (5 + len(flat) + 512), len(merges), sot, eot, len(sot_text),
                                    len(eot_text), *flat, *byte_ids))
        self.path.write((sot_text + eot_text).encode())
        self.path.flush()

    def word(self, text):
        data = text.encode()
        ids = [self.byte_ids[b] for b in data[:-1]] + [self.byte_ids[256 + data[-1]]]
        while True:
            best = min((self.ranks.get(p, (1 << 30, 0)) + p for p in zip(ids, ids[1:])), default=(1 << 30,))
            if best[0] == 1 << 30:
                return ids
            out = []
            for i in ids:  # all occurrences, from the left
                if out and (out[-1], i) == best[2:] and not merged:
                    out[-1] = best[1]
                    merged = True
                else:
                    out.append(i)
                    merged = False
            ids = out

    def openai(self, text):
        out = []
        for w in self.words_openai.findall(clean_openai(text)):
            special = {self.sot_text: self.sot, self.eot_text: self.eot}.get(w)
            out += self.word(w) if special is None else [special]
        return out

    def hf(self, text):
        """The end token is looked for in the raw text, the start token in the clean one."""
        out = []
        for i, part in enumerate(text.split(self.eot_text)):
            out += [self.eot] if i else []
            part = "".join(c.lower() for c in unicodedata.normalize("NFC", part))
            for j, piece in enumerate(part.split(self.sot_text)):
                out += [self.sot] if j else []
                for w in self.words.findall(piece):
                    out += self.word(w)
        return out

    def encode(self, rules, text, context):
        ids = [self.sot] + (self.hf(text) if rules == "h" else self.openai(text)) + [self.eot]
        return ids if len(ids) <= context else ids[:context - 1] + [self.eot]

    def run_c(self, rows):
        """rows: (rules, context, bytes) -> ids of the C program."""
        lines = "".join("%s %d %s\n" % (r, c, b.hex()) for r, c, b in rows)
        out = subprocess.run([DRIVER, self.path.name], input=lines.encode(), stdout=subprocess.PIPE, check=True)
        return [[int(x) for x in line.split()] for line in out.stdout.decode().split("\n")[:-1]]


def compare(tokenizer, name, rows, wanted, allowed=()):
    """rows: (id, rules, context, bytes).  `allowed`: the ids that may differ, and must."""
    got = tokenizer.run_c([r[1:] for r in rows])
    wrong = [(r, g, w) for r, g, w in zip(rows, got, wanted) if g != w]
    check(len(got) == len(rows) and sorted(r[0] for r, g, w in wrong) == sorted(allowed),
          "%s: %d texts, %d differ" % (name, len(rows), len(wrong)))
    for r, g, w in wrong[:5]:
        if r[0] not in allowed:
            print("# %s %s\n#   got  %s\n#   want %s" % (r[0], ascii(r[3]), g, w))


# ---- A small vocabulary and random texts -----------------------------------------------------------------

def train(rng, n_merges):
    """Byte-pair encoding of made-up words: the most frequent pair becomes a token, n_merges times."""
    syllables = ["ba", "no", "tri", "shu", "el", "caf\u00e9", "\u03c3\u03b1\u03c2", "\u043c\u0438", "\u65e5", "ing", "aa", "'", "--"]
    words = ["".join(rng.choices(syllables, k=rng.randrange(1, 4))) for _ in range(400)]
    words += ["a" * rng.randrange(1, 20) for _ in range(60)]
    ids = [[b + 256 * (i + 1 == len(d)) for i, b in enumerate(d)] for d in (w.encode() for w in words)]
    merges = []
    while len(merges) < n_merges:
        pairs = collections.Counter(p for w in ids for p in zip(w, w[1:]))
        a, b = max(sorted(pairs), key=pairs.get)
        new = 514 + len(merges)
        merges.append((a, b, new))
        for w in ids:
            i = 0
            while i + 1 < len(w):
                if (w[i], w[i + 1]) == (a, b):
                    w[i:i + 2] = [new]
                i += 1
    return Tokenizer(merges, list(range(512)), 512, 513)


PIECES = ["a photo of a ", "caf\u00e9", "cafe\u0301", "ba", "no", "tri", "shu", "el", "ing", "aaaa", " ", "  ", "\t", "\n", "\r\n",
          "\u00a0", "\u3000", "\u2028", "\x85", "'", "'s", "'S", "'\u017f", "'ll", "\u2019t", "'Re", "<", ">", "&", ";", "&amp;",
          "&AMP;", "&lt", "&lt;", "&#39;", "&#x1F600;", "&#0;", "&#59;", "&nbsp;", "&SZLIG;", "&notit;", "&GTDOT;",
          "&am\u0301p;", "amp;", "#38;", "<|startoftext|>", "<|endoftext|>", "<|STARTOFTEXT|>", "<|ENDOFTEXT|>",
          "<|\u017ftartoftext|>", "<|", "|>", "startoftext", "\u03a3", "\u039f\u03a3", "\u03a3.", "\u0130", "I\u0307", "\u212a", "\u1e9e",
          "\x1b[", "\x1b[0m", "31", "\u0663", "m", "\uff3b", "\uff4d", "\uff06", "\uff1b", "\u0000", "\x7f", "\ufeff", "\u200b", "\u0301", "\u0345",
          "\u0958", "\u1100\u1161\u11a8", "\uac00", "\uff76\uff9e", "\U0001f469\u200d\U0001f680", "\U0001d400", "\u2167", "\u00bd", "2025",
          "\u65e5\u672c", "\u043c\u0438\u0440", "\u202e", "\x1c", "\ufb03", "\ufb05", "\u01c4", "\u0132", "\x80", "\x9d", "\u201c", "--", "...!?"]


def random_texts(rng, n):
    assigned = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    for _ in range(n):
        kind = rng.random()
        if kind < 0.7:
            yield "".join(rng.choices(PIECES, k=rng.randrange(1, 14)))
        elif kind < 0.9:
            yield "".join(rng.choices(PIECES + rng.choices(assigned, k=60), k=rng.randrange(1, 30)))
        else:
            yield "".join(rng.choices(assigned, k=rng.randrange(1, 40)))


def test_random():
    rng = random.Random(11)
    tokenizer = train(rng, 300)
    texts = list(random_texts(rng, 12000))
    for rules, name in (("o", "openai"), ("h", "hf")):
        rows = [("text %d" % i, rules, rng.choice((3, 77, 1000)), t.encode()) for i, t in enumerate(texts)]
        compare(tokenizer, "random texts, %s rules, 300 merges trained here" % name, rows,
                [tokenizer.encode(r, t, c) for (_, r, c, _), t in zip(rows, texts)])


def test_invalid():
    rng = random.Random(12)
    tokenizer = train(rng, 100)
    data = [bytes(rng.choices(b"a\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xed\xef\xf0\xf4\xf5\xff ", k=rng.randrange(1, 20)))
            for _ in range(10000)]
    for rules, name in (("o", "openai"), ("h", "hf")):
        rows = [("bytes %d" % i, rules, 1000, d) for i, d in enumerate(data)]
        compare(tokenizer, "random bytes, %s rules: maximal invalid parts are U+FFFD" % name, rows,
                [tokenizer.encode(rules, d.decode(errors="replace"), 1000) for d in data])


# ---- The references' own ids -----------------------------------------------------------------------------

# Rows that only ftfy's repair of mojibake gets right: 6 of 349.  The count may not grow.
MOJIBAKE = ["g0126", "g0127", "g0128", "g0129", "g0130", "g0131"]


def read_vocabulary(folder):
    """merges.txt and vocab.json: tokens are spelled with printable stand-ins for the bytes."""
    visible = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b]
    stand_in = {b: chr(b) for b in visible}
    stand_in.update({b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in visible)})
    with open(folder + "/vocab.json", encoding="utf-8") as f:
        ids = json.load(f)
    with open(folder + "/merges.txt", encoding="utf-8") as f:
        pairs = [line.split() for line in f.read().split("\n")[1:] if line]
    merges = [(ids[a], ids[b], ids[a + b]) for a, b in pairs]
    byte_ids = [ids[stand_in[b]] for b in range(256)] + [ids[stand_in[b] + "</w>"] for b in range(256)]
    return Tokenizer(merges, byte_ids, ids["<|startoftext|>"], ids["<|endoftext|>"])


def mojibake_row(tokenizer, row):
    """What OpenAI's pipeline gives without that one repair: the oracle's clean-up."""
    return tokenizer.encode("o", row["text"], 1 << 20)


def test_golden(folder):
    tokenizer = read_vocabulary(folder + "/models/hf_fullvocab/hf")
    with open(folder + "/tokenizer/tokens.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    data = [base64.b64decode(r["b64"]) for r in rows]
    texts = [r["text"] for r in rows]
    make = lambda rules, context: [(r["id"], rules, context, d) for r, d in zip(rows, data)]
    compare(tokenizer, "reference, openai ids, uncut", make("o", 100000), [r["ids"] for r in rows], MOJIBAKE)
    compare(tokenizer, "reference, openai ids, cut to 77", make("o", 77),
            [r.get("ids77", r["ids"]) for r in rows], MOJIBAKE)
    hf = [r.get("hf_fast", r["ids"]) for r in rows]
    check(all("hf_fast" in r or "hf_fast" in r["same_as_ids"] for r in rows), "each row has ids of the fast tokenizer")
    compare(tokenizer, "reference, fast tokenizer's ids", make("h", 100000), hf)
    compare(tokenizer, "rows of mojibake as the oracle has them without that repair",
            [x for x in make("o", 100000) if x[0] in MOJIBAKE],
            [mojibake_row(tokenizer, r) for r in rows if r["id"] in MOJIBAKE])
    good = sum(clean_openai(r["text"]) == r["clean"] for r in rows if r["id"] not in MOJIBAKE)
    check(good == len(rows) - len(MOJIBAKE), "the oracle's clean text is the reference's: %d of %d rows"
          % (good, len(rows)))
    with open(folder + "/tokenizer/invalid_utf8.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    wanted = [r["ids_if_bad_bytes_become_U+FFFD"] for r in rows]
    compare(tokenizer, "reference, invalid UTF-8 as U+FFFD",
            [(r["id"], "o", 100000, base64.b64decode(r["b64"])) for r in rows], wanted)
    test_facts(folder, tokenizer)
    test_command(folder, texts, hf)


def test_command(folder, texts, hf):
    """clipc convert, then clipc tokenize: JSON strings in, arrays out, cut to the model's 77."""
    verbs = subprocess.run([CLIPC, "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    if "convert" not in verbs:
        return skip("%s was built without jansson: no clipc convert" % CLIPC)
    with tempfile.TemporaryDirectory() as place:
        model = place + "/model.clipc"
        subprocess.run([CLIPC, "convert", folder + "/models/hf_fullvocab/hf", "-o", model], check=True)
        lines = "".join(json.dumps(t) + "\n" for t in texts)
        out = subprocess.run([CLIPC, "tokenize", "-m", model, "--tokenizer", "hf", "--json"],
                             input=lines.encode(), stdout=subprocess.PIPE, check=True)
    got = [json.loads(line) for line in out.stdout.decode().split("\n")[:-1]]
    wrong = sum(g != (w if len(w) <= 77 else w[:76] + w[-1:]) for g, w in zip(got, hf))
    check(len(got) == len(texts) and wrong == 0,
          "the same through clipc convert and clipc tokenize --json, hf: %d texts, %d differ" % (len(got), wrong))


def test_facts(folder, tokenizer):
    """What ftfy was measured to make of each character between two letters; the rest is NFC."""
    with open(folder + "/tokenizer/char_facts.json", encoding="utf-8") as f:
        facts = {int(k, 16): v for k, v in json.load(f)["ftfy_single_char"]["map"].items()}
    wrong = [c for c in range(0x110000) if not 0xd800 <= c <= 0xdfff and
             ftfy("a" + chr(c) + "b") != "a" + facts.get(c, unicodedata.normalize("NFC", "a" + chr(c) + "b")[1:-1]) + "b"
             and unicodedata.normalize("NFC", "a" + chr(c))[0] == "a"]
    check(not wrong, "the oracle's ftfy of every character as measured (%s differ)" % ["%x" % c for c in wrong[:8]])
    texts = ["a" + chr(c) + "b" for c in sorted(facts)]
    compare(tokenizer, "those %d characters in C" % len(texts),
            [(ascii(t), "o", 77, t.encode()) for t in texts],
            [tokenizer.encode("o", "a" + facts[c] + "b", 77) for c in sorted(facts)])


test_random()
test_invalid()
if os.environ.get("CLIPC_GOLDEN"):
    test_golden(os.environ["CLIPC_GOLDEN"])
else:
    skip("$CLIPC_GOLDEN is not set: no ids of the reference programs")
done()
