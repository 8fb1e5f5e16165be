"""Texts of OpenCLIP's models with a tokenizer of transformers: ids as the tokenizers library gave them for texts
that were cleaned as OpenCLIP does, vectors, padding, which files say what, and files that do not fit."""
import base64
import json
import os
import random
import shutil
import struct
import unicodedata

import numpy as np

import cleaning
import read_clipc
import tap
import wordpiece
from checkpoints import out, refused, tmp, write_safetensors
from pieces import message, piece

rng = np.random.default_rng(23)
CONTEXT, DIM, WIDTH, PATCH = 12, 8, 16, 4
gold = json.load(open("tests/golden/open_clip_texts.json"))
SPACE = "\u2581"


def tensors(vocab, context):
    t = {"logit_scale": np.array(1.5, "f4"), "logit_bias": np.array(-2, "f4")}

    def put(name, *shape):
        t[name] = (rng.standard_normal(shape) * .3).astype("f4")

    def layer(name, *shape):
        put(name + "weight", *shape)
        put(name + "bias", shape[0])

    put("visual.class_embedding", WIDTH)
    put("visual.positional_embedding", 5, WIDTH)
    put("visual.conv1.weight", WIDTH, 3, PATCH, PATCH)
    put("visual.proj", WIDTH, DIM)
    put("token_embedding.weight", vocab, WIDTH)
    put("positional_embedding", context, WIDTH)
    layer("text_projection.", DIM, WIDTH)
    for name in ("visual.ln_pre.", "visual.ln_post.", "ln_final."):
        layer(name, WIDTH)
    for block in ("visual.transformer.resblocks.0.", "transformer.resblocks.0."):
        for name, shape in (("attn.in_proj_", (3 * WIDTH, WIDTH)), ("attn.out_proj.", (WIDTH, WIDTH)), ("mlp.c_fc.", (4 * WIDTH, WIDTH)),
                            ("mlp.c_proj.", (WIDTH, 4 * WIDTH)), ("ln_1.", (WIDTH,)), ("ln_2.", (WIDTH,))):
            layer(block + name, *shape)
    return t


names = {"t5": "timm/ViT-B-16-SigLIP", "gemma": "timm/ViT-B-16-SigLIP2", "bert": "bert-base-uncased"}
configs = {"t5": {"tokenizer_class": "T5Tokenizer", "eos_token": "</s>", "pad_token": "</s>", "extra_ids": 0, "legacy": False,
                  "added_tokens_decoder": {"0": {"content": "<pad>"}, "1": {"content": "</s>"}, "2": {"content": "<unk>"}}},
           "gemma": {"tokenizer_class": "GemmaTokenizer", "add_bos_token": False, "add_eos_token": True},
           "bert": {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}}


def folder(kind, clean="canonicalize", vocab=500, context=CONTEXT, files=None, name=None, **text):
    """An OpenCLIP model's folder; files: what lies beside it, as JSON or bytes (default: the golden vocabulary's)."""
    path = tmp + "/model"
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    write_safetensors(path + "/open_clip_model.safetensors", tensors(vocab, context))
    kwargs = {} if clean is None else {"tokenizer_kwargs": {"clean": clean}}
    json.dump({"model_cfg": {"embed_dim": DIM, "custom_text": True, "vision_cfg": {
        "image_size": 2 * PATCH, "layers": 1, "width": WIDTH, "head_width": 8, "patch_size": PATCH}, "text_cfg": dict({
            "context_length": context, "vocab_size": vocab, "width": WIDTH, "heads": 2, "layers": 1, "no_causal_mask": True, "proj_bias": True,
            "pool_type": "last", "hf_tokenizer_name": name or names[kind]}, **dict(kwargs, **text))}}, open(path + "/open_clip_config.json", "w"))
    if files is None:
        files = {"tokenizer.json": gold[kind]["tokenizer"], "tokenizer_config.json": configs[kind]}
    for file, value in files.items():
        with open("%s/%s" % (path, file), "wb") as f:
            f.write(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def convert(path, *args):
    code, _, err = tap.run("convert", path, "-o", out, *args)
    return code == 0, err.strip()


def tokenize(texts, path=out):
    lines = "".join(json.dumps(t) + "\n" for t in texts)
    return [json.loads(line) for line in tap.run("tokenize", "-m", path, "--json", input=lines.encode())[1].splitlines()]


def compare(name, got, want, texts):
    wrong = [(t, g, w) for t, g, w in zip(texts, got, want) if g != w]
    tap.check(len(got) == len(want) > 0 and not wrong, "%s: %d texts, %d differ" % (name, len(want), len(wrong)))
    for row in wrong[:3]:
        print("# %s\n#   has   %s\n#   wants %s" % tuple(ascii(x)[:300] for x in row))


# ---- The library's ids, cut nowhere and to a context; padded, attended to and pooled at the end.
for kind, info in (("t5", "padded to the context with 1; tokenizer SentencePiece unigram, rules of hf"), ("gemma", "with 0; tokenizer BPE of characters, rules of hf"),
                   ("bert", "start 3, end 4, padded to the context with 0; tokenizer WordPiece, rules of hf")):
    for clean, shown in (("canonicalize", ", lower-case, without punctuation"), ("lower", ", lower-case"), ("whitespace", ""), (None, "")):
        rows = [r for r in gold[kind]["texts"] if r[0] == (clean or "whitespace")]
        texts = [r[1] for r in rows]
        good, err = convert(folder(kind, clean, context=4000), "--no-goldens")
        tap.check(good and "warning" not in err, "%s, %s converts %s" % (kind, clean, err))
        compare("%s, %s" % (kind, clean), tokenize(texts), [r[2] for r in rows], texts)
        shown = info + " behind OpenCLIP's cleaning" + shown + "\n"
        tap.check(shown in tap.run("info", out)[1].decode(), "info: " + shown.strip())
    rows = [r for r in gold[kind]["texts"] if r[0] == "canonicalize"]
    texts = [r[1] for r in rows]
    good, err = convert(folder(kind))
    end = rows[0][2][-1]
    want = [r[2] if len(r[2]) <= CONTEXT else r[2][:CONTEXT - 1] + [end] for r in rows]
    compare("%s, cut to the context" % kind, tokenize(texts), want, texts)
    code, _, err = tap.run("convert", out, "-o", tmp + "/again.clipc", "--dtype", "f16")
    compare("%s, converted again from the weight file %s" % (kind, err.strip()), tokenize(texts, tmp + "/again.clipc"), want, texts)
    pad = read_clipc.read(out)[0]["pad_id"]
    np.save(tmp + "/ids.npy", np.array([(w + [pad] * CONTEXT)[:CONTEXT] for w in want], "i4"))
    tap.run("embed", "-m", out, "--tokens", tmp + "/ids.npy", "--npy", tmp + "/a.npy")
    tap.run("embed", "-m", out, *sum((["--text", t.replace("\0", "")] for t in texts), []), "--npy", tmp + "/b.npy")
    a, b = (np.load("%s/%s.npy" % (tmp, n)) for n in "ab")
    tap.check(pad == (kind == "t5") and a.shape == (len(texts), DIM) and a.tobytes() == b.tobytes(),
              "%s: the vectors of texts are those of their padded ids" % kind)
    tap.check(tap.run("selftest", out)[0] == 0 and any("golden.text" in n for n in read_clipc.read(out)[1]), "%s: goldens inside, and the self-test" % kind)

# ---- Cleaning, told by ids: of a vocabulary of bytes alone they spell the text, which never holds a zero.
tokens = ["<pad>", "<eos>", "<bos>", "<unk>"] + ["<0x%02X>" % i for i in range(256)]
plain = json.loads(json.dumps(gold["gemma"]["tokenizer"]))
plain["model"].update(vocab={t: i for i, t in enumerate(tokens + ["<0x00>" * 2])}, merges=["<0x00> <0x00>"])
plain["normalizer"] = plain["pre_tokenizer"] = None


def spelled(ids):
    return bytes(i - 4 for i in ids[:-1]).decode()


words = "a photo of A Cat's CAF\u00c9 cafe\u0301 na_ive don't __x__ \u03a3\u03a3 \u039f\u03a3. \u0130 \u1e9e &amp;lt; &#95; &nbsp; \u201cq\u201d \u2019 \uff21\uff3f \x85 \u3000 \x1c \x00 \t \n ~!@ 3.5 \ufb01 \u01c5".split(" ")
r = random.Random(5)
texts = ["", " ", "_", "._."] + words + ["".join(r.choice(words) + r.choice(["", " ", "  ", "_", "."]) for _ in range(r.randint(1, 9))) for _ in range(400)]
for clean, function in cleaning.CLEAN.items():
    convert(folder("gemma", clean, context=4000, files={"tokenizer.json": plain}), "--no-goldens")
    compare("%s: a second one in Python" % clean, [spelled(i) for i in tokenize(texts)], [function(t) for t in texts], texts)
if tap.golden:
    # What ftfy itself made of texts.  Six differ that only its repair of mojibake gets right: no more.
    rows = [json.loads(line) for line in open(tap.golden + "/tokenizer/tokens.jsonl", encoding="utf-8")]
    rows = [x for x in rows if len(x["text"]) < 900]
    convert(folder("gemma", "lower", context=4000, files={"tokenizer.json": plain}), "--no-goldens")
    got = [spelled(i) for i in tokenize([x["text"] for x in rows])]
    wrong = [x["text"] for x, g in zip(rows, got) if g != x["clean"]]
    tap.check(len(rows) > 300 and len(wrong) <= 6, "lower: ftfy's own clean texts, %d of %d differ" % (len(wrong), len(rows)))
    for t in wrong[6:]:
        print("# " + ascii(t)[:150])
else:
    tap.skip("no $CLIPC_GOLDEN with what ftfy made of texts")

# ---- BERT's words: what each character is to them, and a second tokenizer in Python.
vocab = gold["bert"]["tokenizer"]["model"]["vocab"]
a, more, unknown = vocab["a"], vocab["##a"], vocab["[UNK]"]
convert(folder("bert", "whitespace", context=4000), "--no-goldens")
data = bytearray(open(out, "rb").read())
data[264:268] = struct.pack("<I", struct.unpack("<I", data[264:268])[0] & ~64) # no cleaning before it
open(out, "wb").write(data)
classes = {c: kind for kind, runs in gold["characters"].items() for first, last in runs for c in range(first, last + 1)}
points = {c for runs in gold["characters"].values() for first, last in runs for c in (first - 1, first, (first + last) // 2, last, last + 1) if c >= 0}
points = sorted(c for c in points | set(range(0x3100)) | {r.randrange(0x110000) for _ in range(6000)} if not 0xd800 <= c < 0xe000 and c < 0x110000)


def class_of(ids):
    ids = ids[1:-1]
    return "removed" if ids == [a, more] else "space" if ids == [a, a] else "split" if len(ids) == 3 and ids[::2] == [a, a] else "word"


compare("what characters are, as the tokenizers library has it", [class_of(i) for i in tokenize(["a%sa" % chr(c) for c in points])],
        [classes.get(c, "word") for c in points], ["U+%04X" % c for c in points])
compare("its ids with nothing cleaned", tokenize([x[1] for x in gold["bert"]["texts"] if x[0] == "whitespace" and cleaning.whitespace(x[1]) == x[1]]),
        [x[2] for x in gold["bert"]["texts"] if x[0] == "whitespace" and cleaning.whitespace(x[1]) == x[1]], [x[1] for x in gold["bert"]["texts"]])
known = [w for w in vocab if w.isalpha()]
letters = [chr(c) for c in range(0x3100)] + [
    "\u4e2d", "\uf900", "\U00020000", "\ud55c", "\ufb01", "\uff21", "\U0001d400", "\U0001f600", "\ue000", "\x00", "\ufffd", "\u0130", "\u1e9e", "##", "[SEP]", "[sep]", "[MASK]", "[UNK]x"]
def theirs(c):
    words = wordpiece.basic("a%sa" % c)
    return "removed" if words == ["aa"] else "space" if words == ["a", "a"] else "split" if len(words) == 3 else "word"


letters = [c for c in letters if len(c) > 1 or theirs(c) == classes.get(ord(c), "word")]
tap.check(len(letters) > 10000, "%d characters that the library and Unicode %s see alike" % (len(letters), unicodedata.unidata_version))
texts = ["".join(r.choice(known if r.random() < .7 else letters) + r.choice(["", "", " ", "."]) for _ in range(r.randint(1, 12))) for _ in range(1500)]
texts += ["".join(r.choice("abcdeorst") for _ in range(r.randint(1, 30))) for _ in range(500)] + ["a" * 100, "a" * 101, "\u00e9" * 100, "\u00e9" * 101, "a\u0301" * 100, "."] + [w + "[CLS]" for w in known[:9]]
compare("BERT's tokenizer in Python", tokenize(texts), [[3] + wordpiece.encode(t, vocab) + [4] for t in texts], texts)

# CLIPA's texts: the end token, wherever it is, is written as 0, which pads.
texts = [x[1] for x in gold["bert"]["texts"] if x[0] == "whitespace"]
convert(folder("bert", None))
want = [[0 if i == 4 else i for i in ids] for ids in tokenize(texts)]
good, err = convert(folder("bert", None, tokenizer_kwargs={"strip_sep_token": True}))
compare("strip_sep_token", tokenize(texts), want, texts)
tap.check(good and any(0 in ids[1:-1] for ids in want) and "start 3, end 0, padded to the context with 0" in tap.run("info", out)[1].decode(), "and info says so " + err)
np.save(tmp + "/ids.npy", np.array([(w + [0] * CONTEXT)[:CONTEXT] for w in want], "i4"))
ids, words = (tap.run("embed", "-m", out, *args)[1] for args in (("--tokens", tmp + "/ids.npy"), sum((["--text", t.replace("\0", "")] for t in texts), [])))
tap.check(ids == words and ids.count(b"\n") == len(texts) and tap.run("selftest", out)[0] == 0, "the vectors of its texts are those of their padded ids")
code, _, err = tap.run("convert", out, "-o", tmp + "/again.clipc")
compare("converted again %s" % err.strip(), tokenize(texts, tmp + "/again.clipc"), want, texts)
lines = "\n".join(vocab) + "\n"
want = tokenize(texts)
for text, files in (("vocab.txt alone", {"vocab.txt": lines.encode()}), ("vocab.txt and a config", {"vocab.txt": lines.encode(), "tokenizer_config.json": configs["bert"]}),
                    ("vocab.txt of Windows", {"vocab.txt": lines.replace("\n", "\r\n").encode()}), ("without a last line end", {"vocab.txt": lines[:-1].encode()}),
                    ("with a byte order mark", {"vocab.txt": b"\xef\xbb\xbf" + lines.encode()}), ("tokenizer.json alone", {"tokenizer.json": gold["bert"]["tokenizer"]}),
                    ("tokenizer.json before vocab.txt", {"tokenizer.json": gold["bert"]["tokenizer"], "vocab.txt": b"a\n"}),
                    ("BertTokenizerFast, tokens as objects", {"vocab.txt": lines.encode(), "tokenizer_config.json": {
                        "tokenizer_class": "BertTokenizerFast", "cls_token": {"content": "[CLS]"}, "added_tokens_decoder": {"4": {"content": "[SEP]"}, "5": {"content": "[MASK]"}}}})):
    good, err = convert(folder("bert", None, files=files, tokenizer_kwargs={"strip_sep_token": True}))
    tap.check(good and "warning" not in err and tokenize(texts) == want, "%s %s" % (text, err))
good, err = convert(folder("bert", None, files={}, tokenizer_kwargs={"strip_sep_token": True}))
tap.check(good and "tokenizer.json (or vocab.txt) and tokenizer_config.json of bert-base-uncased with --vocab PATH" in err and
          "start 101, end 0," in tap.run("info", out)[1].decode(), "without a vocabulary: " + err)
open(tmp + "/vocab.txt", "w", encoding="utf-8").write(lines)
good, err = convert(folder("bert", None, files={}, tokenizer_kwargs={"strip_sep_token": True}), "--vocab", tmp + "/vocab.txt")
tap.check(good and tokenize(texts) == want, "--vocab vocab.txt " + err)
cased = json.loads(json.dumps(gold["bert"]["tokenizer"]))
cased["normalizer"]["lowercase"] = False
convert(folder("bert", None, files={"tokenizer.json": cased}))
tap.check(tokenize(["a A \u00e9"]) == [[3, a, unknown, unknown, 4]], "a cased one: letters and accents stay")
others = [w if w != "[SEP]" else "<end>" for w in vocab]
convert(folder("bert", None, files={"vocab.txt": "\n".join(others).encode(), "tokenizer_config.json": {"sep_token": "<end>"}}))
tap.check(tokenize(["a<end>a [SEP]"])[0][:4] == [3, a, 4, a] and 4 not in tokenize(["[SEP]"])[0][:-1], "another separator")


def changed(**parts):
    tokenizer = json.loads(json.dumps(gold["bert"]["tokenizer"]))
    for part, change in parts.items():
        tokenizer[part] = dict(tokenizer[part], **change) if isinstance(change, dict) else change
    return {"tokenizer.json": tokenizer}


config = "tokenizer_config.json"
for text, words, files in (
        ("another model", ("'BPE'", "WordPiece"), {"tokenizer.json": gold["gemma"]["tokenizer"]}), ("another prefix", ("another prefix",), changed(model={"continuing_subword_prefix": "@@"})),
        ("another length", ("100 characters",), changed(model={"max_input_chars_per_word": 200})), ("another normalizer", ("'Lowercase'",), changed(normalizer={"type": "Lowercase"})),
        ("no normalizer", ("BertNormalizer is",), changed(normalizer=None)), ("accents that stay", ("strip_accents",), changed(normalizer={"strip_accents": False})),
        ("ideographs in words", ("handle_chinese_chars",), changed(normalizer={"handle_chinese_chars": False})), ("another pre_tokenizer", ("'Whitespace'",), changed(pre_tokenizer={"type": "Whitespace"})),
        ("an added token that is none", ("'<new>'",), changed(added_tokens=[{"id": 9999, "content": "<new>"}])), ("one of another id", ("'[CLS]'",), changed(added_tokens=[{"id": 2, "content": "[CLS]"}])),
        ("an id twice", ("twice",), changed(model={"vocab": dict(vocab, a=1)})), ("a list for a vocab", ("WordPiece with a vocab",), changed(model={"vocab": list(vocab)})),
        ("no [CLS]", ("'[CLS]'", "vocabulary of BERT"), {"vocab.txt": lines.replace("[CLS]", "x[CLS]").encode()}), ("a token twice", ("there twice",), {"vocab.txt": (lines + "##a\n").encode()}),
        ("an empty line", ("is empty",), {"vocab.txt": (lines + "\n").encode()}), ("an empty file", ("vocab.txt",), {"vocab.txt": b""}), ("no UTF-8", ("line 2 is not UTF-8",), {"vocab.txt": b"[PAD]\n\xff\n"}),
        ("a long token", ("longer than 1024",), {"vocab.txt": (lines + "x" * 1025).encode()}), ("too many tokens", ("501 tokens", "has 500"), {"vocab.txt": (lines + "".join("x%d\n" % i for i in range(501 - len(vocab)))).encode()}),
        ("a SentencePiece model", ("UTF-8",), {"vocab.txt": b"\n\x0f\n\x06<\xff>\x15"}), ("another class", ("tokenizer_class", "BertTokenizer(Fast)"), {"vocab.txt": lines.encode(), config: {"tokenizer_class": "RobertaTokenizer"}}),
        ("accents that stay by the config", ("strip_accents",), {"vocab.txt": lines.encode(), config: {"strip_accents": False}}), ("padding on the left", ("padding_side",), {"vocab.txt": lines.encode(), config: {"padding_side": "left"}}),
        ("ideographs by the config", ("tokenize_chinese_chars",), {"vocab.txt": lines.encode(), config: {"tokenize_chinese_chars": False}}),
        ("an added token by the config", ("'<new>'",), {"vocab.txt": lines.encode(), config: {"added_tokens_decoder": {"9": {"content": "<new>"}}}})):
    refused("BERT, " + text, folder("bert", None, files=files), *words)
refused("a separator that SigLIP has not", folder("t5", None, tokenizer_kwargs={"strip_sep_token": True}), "strip_sep_token")

# ---- Which files say it.
texts = [x[1] for x in gold["t5"]["texts"] if x[0] == "canonicalize"]
convert(folder("t5"))
want = tokenize(texts)
vocabulary = gold["t5"]["tokenizer"]["model"]["vocab"]
charsmap = gold["t5"]["tokenizer"]["normalizer"]["normalizers"][0]["precompiled_charsmap"]
spm = b"".join(piece(p, s, 2 if i == 2 else 3 if i < 2 else 1) for i, (p, s) in enumerate(vocabulary)) + message(2, b"\x18\1") + \
    message(3, message(2, base64.b64decode(charsmap)))
for text, files in (("tokenizer.json alone: its end token pads", {"tokenizer.json": gold["t5"]["tokenizer"]}), ("spiece.model alone", {"spiece.model": spm}),
                    ("spiece.model and a config", {"spiece.model": spm, "tokenizer_config.json": configs["t5"]}),
                    ("T5TokenizerFast", {"tokenizer.json": gold["t5"]["tokenizer"], "tokenizer_config.json": dict(configs["t5"], tokenizer_class="T5TokenizerFast")})):
    good, err = convert(folder("t5", files=files))
    tap.check(good and tokenize(texts) == want and read_clipc.read(out)[0]["pad_id"] == 1, "%s %s" % (text, err))
bare = folder("t5", files={})
good, err = convert(bare)
tap.check(good and "tokenizer.json and tokenizer_config.json of timm/ViT-B-16-SigLIP with --vocab PATH" in err and
          tap.run("tokenize", "-m", out, "a")[0] == 1, "without a vocabulary: " + err)
os.makedirs(tmp + "/words")
json.dump(gold["t5"]["tokenizer"], open(tmp + "/words/tokenizer.json", "w"))
open(tmp + "/words/spiece.model", "wb").write(spm)
for path in ("/words", "/words/tokenizer.json", "/words/spiece.model"):
    good, err = convert(bare, "--vocab", tmp + path)
    tap.check(good and "warning" not in err and tokenize(texts) == want, "--vocab %s %s" % (path, err))
convert(folder("t5", files={"tokenizer.json": gold["t5"]["tokenizer"], "tokenizer_config.json": {"tokenizer_class": "T5Tokenizer"}}))
tap.check(read_clipc.read(out)[0]["pad_id"] == 0 and tokenize(texts) == want, "T5's own padding token, when the config names none")
good, err = convert(folder("gemma", files={"tokenizer.json": gold["gemma"]["tokenizer"]}))
tap.check(good and read_clipc.read(out)[0]["pad_id"] == 0, "Gemma's tokenizer.json alone " + err)

lower = json.loads(json.dumps(gold["t5"]["tokenizer"]))
lower["normalizer"]["normalizers"].insert(0, {"type": "Lowercase"})
shout = [t for t in texts if t.isascii() and not set("<&") & set(t)]
convert(folder("t5", "lower"))
want_lower = tokenize(shout)
convert(folder("t5", "whitespace", files={"tokenizer.json": lower, "tokenizer_config.json": configs["t5"]}))
tap.check(tokenize([t.upper() for t in shout]) == want_lower and len({len(i) for i in want_lower}) > 3, "Lowercase among T5's normalizers")

# A vocabulary that goes on behind the model's rows, with pieces that no text without punctuation spells.
more = json.loads(json.dumps(gold["t5"]["tokenizer"]))
more["model"]["vocab"] += [["%s<extra_id_%d>" % (SPACE, i), 0.] for i in range(500 - len(vocabulary) + 7)]
good, err = convert(folder("t5", files={"tokenizer.json": more}))
tap.check(good and tokenize(texts) == want, "more pieces than rows, which no text spells " + err)
code, _, err = tap.run("convert", out, "-o", tmp + "/again.clipc")
tap.check(code == 0 and tokenize(texts, tmp + "/again.clipc") == want, "and converted again " + err.strip())
rows = 507
refused("they may be spelled with punctuation", folder("t5", "lower", files={"tokenizer.json": more}), "%d tokens" % rows, "has 500")
more["model"]["vocab"][-1][0] = SPACE + "word"
refused("one that may be spelled", folder("t5", files={"tokenizer.json": more}), "%d tokens" % rows, "has 500")

# ---- What does not fit, by its word.
tokenizer = gold["t5"]["tokenizer"]
unsplit = dict(tokenizer, pre_tokenizer={"type": "Metaspace", "prepend_scheme": "first", "split": False})
odd = dict(tokenizer, added_tokens=[dict(tokenizer["added_tokens"][1], lstrip=True)])
for text, words, args, more in (
        ("an unknown cleaning", ("tokenizer_kwargs.clean", "canonicalize"), ("t5", "stem"), dict()), ("another kwarg", ("language",), ("t5", None), dict(tokenizer_kwargs={"language": "de"})),
        ("an unknown tokenizer", ("hf_tokenizer_name",), ("t5",), dict(name="t5-small")),
        ("another class", ("tokenizer_class", "T5Tokenizer(Fast)"), ("t5",), dict(files={"tokenizer.json": tokenizer, "tokenizer_config.json": {"tokenizer_class": "BertTokenizer"}})),
        ("T5 with Gemma's pieces", ("tokenizer_class", "unigram"), ("t5",), dict(files={"tokenizer.json": gold["gemma"]["tokenizer"], "tokenizer_config.json": configs["t5"]})),
        ("words that are not cut", ("Metaspace without split",), ("t5",), dict(files={"tokenizer.json": unsplit})),
        ("an added token that eats spaces", ("'</s>'", "flags"), ("t5",), dict(files={"tokenizer.json": odd})),
        ("an added token that is no piece", ("'<extra>'",), ("t5",), dict(files={"tokenizer.json": tokenizer, "tokenizer_config.json": dict(configs["t5"], added_tokens_decoder={"9999": {"content": "<extra>"}})})),
        ("a file of nothing", ("tokenizer.json",), ("t5",), dict(files={"tokenizer.json": b""}))):
    refused(text, folder(*args, **more), *words)
open(tmp + "/words/merges.txt", "w").write("#version: 0.2\na b\n")
refused("byte pairs of CLIP", folder("t5", files={}), "merges.txt", "not a SentencePiece model", args=("--vocab", tmp + "/words/merges.txt"))
convert(folder("t5"))
data = open(out, "rb").read()
for flags, words in ((1 << 12, "normalizes texts"), (1 << 31, "normalizes texts")):
    open(tmp + "/bad.clipc", "wb").write(data[:264] + struct.pack("<I", flags) + data[268:])
    code, _, err = tap.run("tokenize", "-m", tmp + "/bad.clipc", "a")
    tap.check(code == 1 and words in err, "flags %#x: %s" % (flags, err.strip()))

# ---- Tables of a weight file with a byte changed are refused, or give ids that there are.
for kind in ("bert", "t5"):
    convert(folder(kind, None))
    data = open(out, "rb").read()
    tables = sorted(struct.unpack("<QQ", record[80:96]) for name, record in read_clipc.records(data) if name.startswith("tokenizer."))
    wrong = refusals = 0
    for i in range(60):
        first, size = tables[i % len(tables)] if i % 6 else (240, 32)
        at = first + r.randrange(size)
        value = r.randrange(256) if i % 3 else data[at] ^ 1 << r.randrange(8)
        open(tmp + "/bad.clipc", "wb").write(data[:at] + bytes([value]) + data[at + 1:])
        code, text, err = tap.run("tokenize", "-m", tmp + "/bad.clipc", "--json", "a cat [SEP] trato </s> bate\u0301 x \u4e2d")
        refusals += code == 1
        if not (code == 1 and err.startswith("clipc: ") or code == 0 and all(0 <= n < 500 for n in json.loads(text)[0])):
            wrong += 1
            print("# at %d is %d: %d %s %s" % (at, value, code, text, err.strip()))
    tap.check(wrong == 0 and refusals > 20, "%s: 60 changed bytes: %d files refused, the others give ids" % (kind, refusals))
shutil.rmtree(tmp)
tap.done()
