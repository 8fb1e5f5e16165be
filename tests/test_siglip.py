"""SigLIP from a HuggingFace folder to vectors of texts, with a vocabulary made here: ids by hand, padding,
the end token kept, what the config files may say, and files that are no vocabulary of the model."""
import base64
import json
import os
import string
import struct

import numpy as np

import read_clipc
import tap
from checkpoints import out, refused, tmp, write_safetensors
from pieces import message, piece, varint

SPACE = "\u2581"
rng = np.random.default_rng(8)
WIDTH, MLP, LAYERS, SIZE, PATCH, CONTEXT, VOCAB = 16, 24, 1, 8, 4, 12, 320


PIECES = [("<pad>", 0, 3), ("</s>", 0, 3), ("<unk>", 0, 2)] + [(p, -1. - len(p) / 64, 1) for p in (
    SPACE, "a", "b", "c", "t", "ca", "cat", SPACE + "cat", SPACE + "a", "at", "ab", "<", ">", "u", "n", "k")]
ID = {p[0]: i for i, p in enumerate(PIECES)}


def model(pieces=PIECES, kind=1, trainer=b"", rest=b""):
    return b"".join(piece(*p) for p in pieces) + message(2, b"\x18" + bytes([kind]) + trainer) + rest


def tensors():
    t = {"logit_scale": np.array([1.5], "f4"), "logit_bias": np.array([-2.], "f4")}

    def put(name, *shape):
        t[name + ".weight"] = (rng.standard_normal(shape) * .2).astype("f4")
        t[name + ".bias"] = (rng.standard_normal(shape[0]) * .2).astype("f4")

    for tower in ("vision_model.", "text_model."):
        for layer in range(LAYERS):
            block = "%sencoder.layers.%d." % (tower, layer)
            for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                put(block + "self_attn." + name, WIDTH, WIDTH)
            put(block + "mlp.fc1", MLP, WIDTH)
            put(block + "mlp.fc2", WIDTH, MLP)
            put(block + "layer_norm1", WIDTH)
            put(block + "layer_norm2", WIDTH)
    put("vision_model.embeddings.patch_embedding", WIDTH, 3, PATCH, PATCH)
    put("vision_model.post_layernorm", WIDTH)
    put("text_model.final_layer_norm", WIDTH)
    put("text_model.head", WIDTH, WIDTH)
    head = "vision_model.head."
    put(head + "attention.out_proj", WIDTH, WIDTH)
    put(head + "layernorm", WIDTH)
    put(head + "mlp.fc1", MLP, WIDTH)
    put(head + "mlp.fc2", WIDTH, MLP)
    for name, shape in ((head + "attention.in_proj_weight", (3 * WIDTH, WIDTH)), (head + "attention.in_proj_bias", (3 * WIDTH,)),
                        (head + "probe", (1, 1, WIDTH)), ("vision_model.embeddings.position_embedding.weight", ((SIZE // PATCH) ** 2, WIDTH)),
                        ("text_model.embeddings.position_embedding.weight", (CONTEXT, WIDTH)),
                        ("text_model.embeddings.token_embedding.weight", (VOCAB, WIDTH))):
        t[name] = (rng.standard_normal(shape) * .2).astype("f4")
    return t


weights = tensors()
tower = {"hidden_size": WIDTH, "intermediate_size": MLP, "num_hidden_layers": LAYERS, "num_attention_heads": 2}


def folder(name, vocabulary=None, files={}, spiece="spiece.model"):
    """A SiglipModel's folder: weights, configs, and of the tokenizer what is asked for."""
    path = "%s/%s" % (tmp, name)
    os.makedirs(path, exist_ok=True)
    write_safetensors(path + "/model.safetensors", weights)
    json.dump({"model_type": "siglip", "vision_config": dict(tower, image_size=SIZE, patch_size=PATCH),
               "text_config": dict(tower, vocab_size=VOCAB, max_position_embeddings=CONTEXT)}, open(path + "/config.json", "w"))
    json.dump({"image_processor_type": "SiglipImageProcessor", "size": {"height": SIZE, "width": SIZE}}, open(path + "/preprocessor_config.json", "w"))
    if vocabulary is not None:
        open("%s/%s" % (path, spiece), "wb").write(vocabulary)
    for file, value in files.items():
        json.dump(value, open("%s/%s" % (path, file), "w"))
    return path


def convert(path, *args):
    code, _, err = tap.run("convert", path, "-o", out, *args)
    return code == 0, err.strip()


def ids(text, path=out):
    return json.loads(tap.run("tokenize", "-m", path, "--json", text)[1])[0]


# ---- Ids by hand: "cat" is one piece, punctuation goes, letters are lower-case, the end token stays.
good, err = convert(folder("siglip", model()))
tap.check(good and "warning" not in err, "a SigLIP folder with spiece.model: " + err)
words = [ID[SPACE + "a"], ID[SPACE + "cat"]]
for text, want in (("a cat", words), ("A, CAT!", words), (" a\u00a0\n cat ", [ID[SPACE]] + words), ("", []), ("a</s>cat", [ID[SPACE + "a"], 1, ID["cat"]]),
                   ("a <UNK> b", [ID[SPACE + "a"], 2, ID["b"]]), (SPACE + "a", [ID[SPACE], ID[SPACE + "a"]]), ("\u2603\u2603", [ID[SPACE], 2]),
                   ("t" * 40, [ID[SPACE]] + [ID["t"]] * 40)):
    has = ids(text)
    tap.check(has == want[:CONTEXT - 1] + [1], "%r: %s" % (text[:20], has))
has = ids("a </s>")
tap.check(has == [ID[SPACE + "a"], 1], "no second end token: %s" % has)

# ---- The vectors of texts are those of their padded ids.
texts = ["a cat", "", "t" * 40, "\u2603 b"]
padded = np.array([(ids(t) + [1] * CONTEXT)[:CONTEXT] for t in texts], "i4")
np.save(tmp + "/ids.npy", padded)
tap.run("embed", "-m", out, "--tokens", tmp + "/ids.npy", "--npy", tmp + "/a.npy")
tap.run("embed", "-m", out, *sum((["--text", t] for t in texts), []), "--npy", tmp + "/b.npy")
a, b = (np.load("%s/%s.npy" % (tmp, n)) for n in "ab")
tap.check(a.shape == (4, WIDTH) and a.tobytes() == b.tobytes() and np.isfinite(a).all() and len({row.tobytes() for row in a}) == 4,
          "embed --text: the same bits as embed --tokens of ids padded to the context")
code, text, _ = tap.run("info", out)
tap.check(code == 0 and b"padded to the context with 1; tokenizer SentencePiece unigram, rules of SigLIP" in text, "info says the kind and the rules")
tap.check(json.loads(tap.run("info", out, "--json")[1])[0]["tokenizer"] == "SentencePiece unigram", "info --json too")
tap.check(tap.run("selftest", out)[0] == 0, "selftest")
code, _, err = tap.run("convert", out, "-o", tmp + "/again.clipc")
tap.check(code == 0 and [ids(t, tmp + "/again.clipc") for t in texts] == [ids(t) for t in texts], "converted again from the weight file: the same ids " + err)

# ---- The same by --vocab, and what the configs say.
whole = [ids(t) for t in texts]
bare = folder("bare")
good, err = convert(bare)
tap.check(good and "spiece.model" in err and "--vocab" in err and tap.run("tokenize", "-m", out, "a")[0] == 1, "without a vocabulary: " + err)
for path in (tmp + "/siglip/spiece.model", tmp + "/siglip"):
    good, err = convert(bare, "--vocab", path)
    tap.check(good and [ids(t) for t in texts] == whole, "--vocab %s %s" % (os.path.basename(path), err))
convert(folder("cased", model(), {"tokenizer_config.json": {"tokenizer_class": "SiglipTokenizer", "do_lower_case": False}}))
tap.check(ids("A cat") == [ID[SPACE], 2, ID[SPACE + "cat"], 1], "do_lower_case false: %s" % ids("A cat"))
token = {"lstrip": True, "rstrip": True, "normalized": False, "special": True, "single_word": False}
convert(folder("pad", model(), {"tokenizer_config.json": {
    "tokenizer_class": "SiglipTokenizer", "pad_token": "<pad>", "eos_token": dict(token, content="</s>"), "unk_token": "<unk>",
    "added_tokens_decoder": {"0": dict(token, content="<pad>"), "1": dict(token, content="</s>"), "2": dict(token, content="<unk>")}}}))
tap.check(read_clipc.read(out)[0]["pad_id"] == 0 and read_clipc.read(out)[0]["eot_id"] == 1, "another pad token")
good, err = convert(folder("bpe", model(kind=2)))
tap.check(good and ids("a cat") == whole[0] and b"SentencePiece BPE" in tap.run("info", out)[1], "a BPE model: %s %s" % (ids("a cat"), err))

# A special token that pads is found in texts too.
convert(folder("pad", model()))
tap.check(ids("a <pad>b") == [ID[SPACE + "a"], 0, ID["b"], 1], "the pad token in a text: %s" % ids("a <pad>b"))

# ---- SigLIP 2: Gemma's tokenizer.json, or its model file.
names = ["<pad>", "<eos>", "<bos>", "<unk>"] + ["<0x%02X>" % i for i in range(256)] + [SPACE, "a", "c", "t", "ca", "cat", SPACE + "cat"]
number = {n: i for i, n in enumerate(names)}
gemma = {"tokenizer_class": "GemmaTokenizer", "add_bos_token": False, "add_eos_token": True, "padding_side": "right"}
tokenizer = {"added_tokens": [{"id": i, "content": names[i], "normalized": False} for i in range(4)],
             "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}, "pre_tokenizer": None, "post_processor": None,
             "model": {"type": "BPE", "vocab": number, "merges": ["c a", "ca t", SPACE + " cat"], "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}}
want = [number["a"], number[SPACE + "cat"], number["<0x21>"], 1]
good, err = convert(folder("two", None, {"tokenizer.json": tokenizer, "tokenizer_config.json": gemma}))
tap.check(good and ids("A cat!") == want, "tokenizer.json: %s %s" % (ids("A cat!"), err))
head = read_clipc.read(out)[0]
tap.check((head["eot_id"], head["pad_id"]) == (1, 0) and b"with 0; tokenizer BPE of characters, rules of hf" in tap.run("info", out)[1], "its special ids, and info")
np.save(tmp + "/ids.npy", np.array([(want + [0] * CONTEXT)[:CONTEXT]], "i4"))
a, b = (tap.run("embed", "-m", out, *args)[1] for args in (("--tokens", tmp + "/ids.npy"), ("--text", "A cat!")))
tap.check(a == b and a.count(b" ") == WIDTH - 1, "embed --text: padded with the pad id")
code, _, err = tap.run("convert", out, "-o", tmp + "/again.clipc")
tap.check(code == 0 and ids("A cat!", tmp + "/again.clipc") == want, "converted again from the weight file " + err)
pieces = [(n, -float(i), 3 if i in (0, 1, 2) else 2 if i == 3 else 6 if i < 260 else 1) for i, n in enumerate(names)]
spm = model(pieces, 2, varint(35 << 3) + b"\1", message(3, b"\x18\0\x20\0"))
for files in ({"tokenizer_config.json": gemma}, {}):
    good, err = convert(folder("model%d" % len(files), spm, files, spiece="tokenizer.model"))
    tap.check(good and ids("A cat!") == want, "tokenizer.model alone: %s %s" % (ids("A cat!"), err))
good, err = convert(folder("first", model(), {"tokenizer.json": tokenizer}))
tap.check(good and ids("a cat") == whole[0], "of SigLIP's own files spiece.model is the reference's")

# ---- A tokenizer.json with a Unigram model holds what spiece.model holds: the same tables.
units = [0] * 256
units[0] = 64 << 10 # the root's children are at 64 ^ label: 'q' becomes "cat"
units[64 ^ ord("q")] = ord("q") | 0x100 | 0x80 << 10
units[64 ^ ord("q") ^ 0x80] = 1 << 31
charsmap = struct.pack("<257I", 1024, *units) + b"cat\0"
more = PIECES + [("<user>", 0, 4)] + [("<0x%02X>" % i, 0, 6) for i in range(256)]
marks = "[" + "".join("\\" + c for c in string.punctuation) + "]"


def unigram(**changes):
    root = {"added_tokens": [{"id": i, "content": p[0], "special": p[2] != 4} for i, p in enumerate(more) if p[2] in (2, 3, 4)],
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()}, {"type": "Strip", "strip_left": False, "strip_right": True},
                {"type": "Replace", "pattern": {"Regex": marks}, "content": ""}, {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": SPACE}]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "prepend_scheme": "always"}]},
            "model": {"type": "Unigram", "unk_id": 2, "vocab": [[p[0], float(np.float32(p[1]))] for p in more], "byte_fallback": True}}
    for key, value in changes.items():
        (root if key in root else root["model"])[key] = value
    return root


def tables_of(path):
    good, err = convert(path)
    head, records = read_clipc.read(out) if good else ({}, {})
    return err, {k: v for k, v in head.items() if k.startswith(("tokenizer", "eot", "pad"))}, {k: v.tobytes() for k, v in records.items() if "tokenizer." in k}


_, head, records = tables_of(folder("tables", model(more, 1, varint(35 << 3) + b"\1", message(3, message(2, charsmap)))))
tap.check(ids("Q, \u2603") == [ID[SPACE + "cat"], ID[SPACE]] + [more.index(("<0x%02X>" % b, 0, 6)) for b in "\u2603".encode()] + [1],
          "spiece.model with a charsmap and byte fallback: %s" % ids("Q, \u2603"))
for config in ({"tokenizer_config.json": {"tokenizer_class": "SiglipTokenizer"}}, {}):
    err, h, r = tables_of(folder("json%d" % len(config), None, dict(config, **{"tokenizer.json": unigram()})))
    tap.check(h == head and r == records and len(r) == 5, "tokenizer.json of the same model: the same tables %s" % err)
for text, words, change in (
        ("NFC", ("normalizer", "'NFC'"), {"normalizer": {"type": "NFC"}}),
        ("another Replace", ("'Replace'",), {"normalizer": {"type": "Replace", "pattern": {"Regex": "[a-z]"}, "content": ""}}),
        ("not all punctuation", ("'Replace'",), {"normalizer": {"type": "Replace", "pattern": {"Regex": marks.replace("\\%", "")}, "content": ""}}),
        ("a charsmap that is no base64", ("base64",), {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "A"}}),
        ("a charsmap that is cut", ("charsmap",), {"normalizer": {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap[:900]).decode()}}),
        ("ByteLevel", ("'ByteLevel'",), {"pre_tokenizer": {"type": "ByteLevel"}}),
        ("a piece without a score", ("piece 0",), {"vocab": [["<unk>"]]}),
        ("no unknown piece", ("what is unknown",), {"unk_id": None}),
        ("an added token that is no piece", ("'<extra>'",), {"added_tokens": [{"id": 999, "content": "<extra>"}]}),
        ("an added token of another id", ("'</s>'",), {"added_tokens": [{"id": 3, "content": "</s>"}]}),
        ("no pieces", ("'<pad>'",), {"vocab": []})):
    refused("Unigram, " + text, folder("unigram", None, {"tokenizer.json": unigram(**change)}), *words)
refused("BPE of a SiglipTokenizer", folder("mixed", None, {"tokenizer.json": tokenizer, "tokenizer_config.json": {"tokenizer_class": "SiglipTokenizer"}}), "'BPE'")

# ---- What is refused, by which word.
config = "tokenizer_config.json"
for name, text, words, path in (
        ("bert", "another class", ("tokenizer_class", "BertTokenizer"), folder("bert", model(), {config: {"tokenizer_class": "BertTokenizer"}})),
        ("added", "an added token", ("'<extra>'", "other ids"), folder("added", model(), {config: {"added_tokens_decoder": {"19": {"content": "<extra>"}}}})),
        ("eos", "an end token that is no piece", ("'<eos>'",), folder("eos", model(), {config: {"eos_token": "<eos>"}})),
        ("word", "a word model", ("type word", "unigram and bpe"), folder("word", model(kind=3))),
        ("large", "more pieces than the model has", ("340 tokens", "320"), folder("large", model(PIECES + [("x%d" % i, -9, 1) for i in range(340 - len(PIECES))]))),
        ("twice", "a piece twice", ("there twice",), folder("twice", model(PIECES + [("cat", -1, 1)]))),
        ("empty", "an empty piece", ("is empty",), folder("empty", model(PIECES + [("", -1, 1)]))),
        ("nounk", "no unknown piece", ("what is unknown",), folder("nounk", model([p for p in PIECES if p[2] != 2]))),
        ("nobytes", "byte fallback without bytes", ("256 bytes",), folder("nobytes", model(trainer=varint(35 << 3) + b"\1"))),
        ("map", "a charsmap of noise", ("charsmap",), folder("map", model(rest=message(3, message(2, struct.pack("<257I", 1024, *[0x7ffffc00] * 256) + b"x\0"))))),
        ("nan", "a score that is none", ("score nan",), folder("nan", model(PIECES + [("x", float("nan"), 1)]))),
        ("cut", "a cut file", ("SentencePiece model",), folder("cut", model()[:-9])),
        ("json", "JSON", ("not a SentencePiece model",), folder("json", b'{"model": {"type": "BPE"}}')),
        ("nothing", "an empty file", ("not a SentencePiece model",), folder("nothing", b""))):
    refused(text, path, *words)
refused("a SentencePiece model for CLIP", "tests/golden/mini", "wants the byte pairs of CLIP", args=("--vocab", tmp + "/siglip/spiece.model"))
refused("a JSON file that is no tokenizer", bare, "its model is 'missing'", args=("--vocab", "tests/golden/mini/config.json"))

# ---- The weight file's door: tables with a byte changed are refused, or give ids that there are.
convert(folder("siglip", model(PIECES + [("cats", -1, 4), ("catch", -1, 5)])))
data = open(out, "rb").read()
tables = {name: struct.unpack("<QQ", record[80:96]) for name, record in read_clipc.records(data) if name.startswith("tokenizer.")}
tap.check(sorted(tables) == ["tokenizer." + n for n in ("order", "scores", "tokens", "types")], "its records: %s" % sorted(tables))
refusals = wrong = 0
for i in range(160):
    name = sorted(tables)[i % 4]
    at = tables[name][0] + int(rng.integers(tables[name][1]))
    value = int(rng.integers(256)) if i % 3 else data[at] ^ 1 << int(rng.integers(8))
    bad = data[:at] + bytes([value]) + data[at + 1:]
    open(tmp + "/bad.clipc", "wb").write(bad)
    code, text, err = tap.run("tokenize", "-m", tmp + "/bad.clipc", "--json", "a cat, cats catch \u2603 </s>")
    refusals += code == 1
    if not (code == 1 and "damaged: tokenizer" in err or code == 1 and "tokenizer." in err or
            code == 0 and all(0 <= n < len(PIECES) + 2 for n in json.loads(text)[0])):
        wrong += 1
        print("# %s at %d is %d: %d %s %s" % (name, at, value, code, text, err.strip()))
tap.check(wrong == 0 and refusals > 40, "160 changed bytes: %d files refused, the others give ids" % refusals)
for flags, word in ((1 << 11, "normalizes texts"), (1 << 31, "normalizes texts"), (16, "each of 256 bytes")):
    open(tmp + "/bad.clipc", "wb").write(data[:264] + struct.pack("<I", flags) + data[268:])
    code, _, err = tap.run("tokenize", "-m", tmp + "/bad.clipc", "a")
    tap.check(code == 1 and word in err, "flags %#x: %s" % (flags, err.strip()))
open(tmp + "/bad.clipc", "wb").write(data[:256] + struct.pack("<I", VOCAB - 1) + data[260:])
code, _, err = tap.run("tokenize", "-m", tmp + "/bad.clipc", "a")
tap.check(code == 1 and "end token is 319" in err, "an end token that is no piece: " + err.strip())
tap.done()
