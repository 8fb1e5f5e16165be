"""tokenizer.json of SigLIP 2's kind (Gemma's): ids against a second, plain writing of HuggingFace's BPE in
Python, on vocabularies made here; and every part of the file that would mean other ids is refused."""
import json
import os
import random
import subprocess

import tap
from checkpoints import tmp

SPACE = "\u2581"
rng = random.Random(256)
driver = os.path.join(tap.build, "tests", "test_sentencepiece")


def lower(text):
    """Letter by letter, as Rust's char::to_lowercase."""
    return "".join(c.lower() for c in text)


class Plain:
    """The tokenizers library's BPE: quadratic, one merge after the other."""

    def __init__(self, root):
        self.vocab = dict(root["model"]["vocab"])
        self.ranks = {tuple(m if isinstance(m, list) else m.split(" ")): i for i, m in reversed(list(enumerate(root["model"]["merges"])))}
        self.added = {a["content"]: a["id"] for a in root["added_tokens"]}
        self.fallback, self.unknown = root["model"]["byte_fallback"], root["model"]["unk_token"]
        self.normalizers = [n["type"] for n in root["normalizer"]["normalizers"]]
        self.names = {i: n for n, i in list(self.vocab.items()) + list(self.added.items())}

    def word(self, text):
        names = []
        for c in text:
            if c in self.vocab:
                names.append(c)
            elif self.fallback:
                names += ["<0x%02X>" % b for b in c.encode()]
            elif not names or names[-1] != self.unknown:
                names.append(self.unknown)
        while True:
            pairs = [(self.ranks[p], i) for i, p in enumerate(zip(names, names[1:])) if p in self.ranks]
            if not pairs:
                return [self.vocab[n] if n in self.vocab else self.added[n] for n in names]
            i = min(pairs)[1]
            names[i:i + 2] = [names[i] + names[i + 1]]

    def __call__(self, text, context, small=True):
        ids, start, i = [], 0, 0

        def flush(end):
            part = text[start:end]
            part = lower(part) if small else part
            return self.word(part.replace(" ", SPACE))

        while i < len(text):
            found = max((a for a in self.added if text.startswith(a, i)), key=len, default=None)
            if found is None:
                i += 1
                continue
            ids += flush(i) + [self.added[found]]
            i = start = i + len(found)
        return (ids + flush(len(text)))[:context - 1] + [self.added["<eos>"]]


def added(vocab, content):
    return {"id": vocab[content], "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def make(fallback, pairs):
    """A vocabulary whose merges make some strings in several ways, in an order of chance."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<turn>", "<turn>s", "\n\n", SPACE * 2, "b"]
    names = special + (["<0x%02X>" % b for b in range(256)] if fallback else []) + [c for c in "acdeist\u00e9\n" + SPACE]
    merges = []
    usable = [n for n in names if not n.startswith("<")]
    while len(merges) < pairs:
        left, right = rng.choice(usable), rng.choice(usable)
        if len(left + right) > 8 or (left, right) in merges:
            continue
        merges.append((left, right))
        if left + right not in names:
            names.append(left + right)
            usable.append(left + right)
    rng.shuffle(merges)
    vocab = {n: i for i, n in enumerate(names)}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [added(vocab, n) for n in special],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]},
            "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
            "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}]},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
                      "byte_fallback": fallback, "ignore_merges": False, "vocab": vocab, "merges": [list(m) if fallback else " ".join(m) for m in merges]}}


odd = ["<eos>", "<unk>", "<turn>", "<turn>s", "<EOS>", "<0x41>", "\n", "\n\n", "  ", SPACE, "\u00c9", "\u2603", "\U0001f600", "\u0130", "\u03a3", "\x00", "\u00df"]
texts = ["", " ", "\u2603", "A cat", "<eos>"] + odd + [
    "".join(rng.choice(odd) if rng.random() < .15 else rng.choice("aabcdeistAB \u00e9") for _ in range(rng.randint(0, 50))) for _ in range(1500)]


def write(name, root, config=None):
    path = "%s/%s" % (tmp, name)
    os.makedirs(path, exist_ok=True)
    json.dump(root, open(path + "/tokenizer.json", "w"), ensure_ascii=rng.random() < .5)
    if config is not None:
        json.dump(config, open(path + "/tokenizer_config.json", "w"))
    return path


def ours(path, context, inputs=texts):
    p = subprocess.run([driver, path, "folder", str(context)], input="".join(t.encode().hex() + "\n" for t in inputs).encode(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    return [[int(i) for i in line.split()] for line in p.stdout.decode().splitlines()] if p.returncode == 0 else p.stderr.decode().strip()


def same(name, path, root, context, small=True):
    got, plain = ours(path, context), Plain(root)
    want = [plain(t, context, small) for t in texts]
    wrong = [i for i in range(len(want)) if isinstance(got, str) or len(got) != len(want) or got[i] != want[i]]
    tap.check(not wrong, "%s: %d texts%s" % (name, len(want), "; " + got if isinstance(got, str) else ""))
    for i in wrong[:3] if not isinstance(got, str) else []:
        print("# %r\n#   wants %s\n#   has   %s" % (texts[i], want[i], got[i] if i < len(got) else None))


gemma = {"tokenizer_class": "GemmaTokenizer", "add_bos_token": False, "add_eos_token": True, "padding_side": "right"}
for pairs in (0, 5, 40, 200, 800):
    for fallback in (True, False):
        root = make(fallback, pairs)
        path = write("g%d%d" % (pairs, fallback), root, gemma if pairs % 2 else None)
        for context in (60000, 8) if pairs == 200 else (60000,):
            same("%d merges%s, context %d" % (pairs, ", byte fallback" if fallback else "", context), path, root, context)
root["normalizer"]["normalizers"].pop(0)
same("lower case, by the class", write("class", root, dict(gemma, tokenizer_class="Siglip2Tokenizer")), root, 64)
root["post_processor"]["single"].insert(0, {"SpecialToken": {"id": "<bos>", "type_id": 0}})
same("no start token, as the config says, whatever the template has", write("template", root, gemma), root, 64)
same("case kept where the config says so", write("cased", root, dict(gemma, do_lower_case=False)), root, 64, small=False)


# ---- What would mean other ids is refused, by name.
def refused(text, words, change=None, **config):
    root = make(True, 20)
    if change is not None:
        change(root)
    got = ours(write("bad", root, dict(gemma, **config)), 64, ["a"])
    tap.check(isinstance(got, str) and all(w in got for w in words), "%s: %s" % (text, got))


def at(*keys):
    def put(root):
        for k in keys[:-2]:
            root = root[k]
        root[keys[-2]] = keys[-1]
    return put


refused("WordPiece", ["'WordPiece'"], at("model", {"type": "WordPiece", "vocab": {"a": 0}}))
refused("no model", ["'missing'"], lambda r: r.pop("model"))
refused("a prefix of words", ["prefix or suffix"], at("model", "continuing_subword_prefix", "##"))
refused("a suffix of words", ["prefix or suffix"], at("model", "end_of_word_suffix", "</w>"))
refused("dropout", ["dropout"], at("model", "dropout", .1))
refused("ignore_merges", ["ignore_merges"], at("model", "ignore_merges", True))
refused("no fuse_unk", ["fuse_unk"], at("model", "fuse_unk", False))
refused("NFC", ["normalizer", "'NFC'"], at("normalizer", {"type": "NFC"}))
refused("a Prepend in the Sequence", ["'Prepend'"], lambda r: r["normalizer"]["normalizers"].append({"type": "Prepend", "prepend": SPACE}))
refused("another Replace", ["'Replace'"], at("normalizer", {"type": "Replace", "pattern": {"Regex": " +"}, "content": SPACE}))
refused("a Sequence in a Sequence", ["Sequence"], lambda r: r["normalizer"]["normalizers"].append({"type": "Sequence", "normalizers": []}))
refused("a pre-tokenizer", ["pre_tokenizer", "'ByteLevel'"], at("pre_tokenizer", {"type": "ByteLevel"}))
refused("Split where spaces stay", ["pre_tokenizer", "'Split'"], at("normalizer", None))
refused("another post-processor", ["post_processor", "'ByteLevel'"], at("post_processor", {"type": "ByteLevel"}))
bos = {"SpecialToken": {"id": "<bos>", "type_id": 0}}
refused("a start token by the template", ["add_bos_token", "template"], lambda r: r["post_processor"]["single"].insert(0, bos), add_bos_token=None)
refused("a start token by the config", ["add_bos_token"], add_bos_token=True)
refused("no end token", ["add_eos_token"], add_eos_token=False)
refused("padding on the left", ["padding_side"], padding_side="left")
refused("another class", ["tokenizer_class", "LlamaTokenizer"], tokenizer_class="LlamaTokenizer")
refused("an end token that is none", ["'<end>'"], eos_token="<end>")
refused("an added token with flags", ["'<turn>'"], lambda r: r["added_tokens"][4].update(lstrip=True))
refused("an added token with another id", ["'<turn>'"], lambda r: r["added_tokens"][4].update(id=3))
refused("an unknown token that is not added", ["unk_token"], at("model", "unk_token", "a"))
refused("bytes that are missing", ["256 bytes"], lambda r: r["model"]["vocab"].update({"<0x4g>": r["model"]["vocab"].pop("<0x41>")}))
refused("an id twice", ["twice"], lambda r: r["model"]["vocab"].update(a=9))
refused("a merge of what is no token", ["no token"], lambda r: r["model"]["merges"].append(["a", "zz"]))
refused("a merge into what is no token", ["no token"], lambda r: r["model"]["merges"].append(["a", "<turn>"]))
tap.done()
