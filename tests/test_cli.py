"""The command line as people and scripts use it: streams, exit codes, records, bad input."""
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unicodedata

import numpy as np

import tap

tmp = tempfile.mkdtemp()
model = tmp + "/m.clipc"
# A vocabulary of plain bytes, so that texts work without anybody's word list.
code, _, err = tap.run("convert", "tests/golden/mini", "-o", model, "--name", "mini")
tap.check(code == 0 and "warning" in err, "convert without a vocabulary warns: " + err.strip())
words = tmp + "/vocab"
vocab = tap.byte_vocabulary(words)
code, _, err = tap.run("convert", "tests/golden/mini", "-o", model, "--vocab", words)
tap.check(code == 0 and err == "", "convert with --vocab " + err)


def ppm(name, colour, width=40, height=30):
    path = "%s/%s" % (tmp, name)
    with open(path, "wb") as f:
        f.write(b"P6\n%d %d\n255\n" % (width, height) + bytes(colour) * (width * height))
    return path


red, blue = ppm("red.ppm", (200, 10, 10)), ppm("blue.ppm", (10, 10, 200))
bad = tmp + "/bad.ppm"
open(bad, "wb").write(b"P6\n40 30\n255\nshort")


def expect(text, args, exit_code, out=None, err=None, **keywords):
    code, stdout, stderr = tap.run(*args, **keywords)
    good = code == exit_code
    good = good and (out is None or (out in stdout.decode() if isinstance(out, str) else out(stdout)))
    good = good and (err is None or err in stderr) and (exit_code == 0 or stderr.startswith("clipc: ")
                                                        or stderr.startswith("usage"))
    tap.check(good, "%s%s" % (text, "" if good else ": exit %d, %r, %r" % (code, stdout[:300], stderr[:300])))


expect("no verb is wrong usage", [], 2)
expect("--help is on stdout", ["--help"], 0, "classify")
expect("--version", ["--version"], 0, "clipc ")
expect("an unknown verb", ["frobnicate"], 2, err="is not a verb")
for verb in "classify embed compare convert info tokenize preprocess trace selftest bench".split():
    expect(verb + " --help", [verb, "--help"], 0, "usage: clipc " + verb)
    expect(verb + " --no-such-option", [verb, "--no-such-option"], 2, err="unknown option")
# What newcomers type.
expect("clipc help VERB", ["help", "tokenize"], 0, "usage: clipc tokenize")
expect("clipc help of what is not a verb", ["help", "frobnicate"], 2, err="not a verb")
expect("clipc version", ["version"], 0, "clipc ")
expect("a mistyped verb", ["clasify", red], 2, err="did you mean classify?")
expect("a shortened verb", ["token", "x"], 2, err="did you mean tokenize?")
expect("an option before the verb", ["--json", "embed", red], 2, err="verb comes first")
expect("a mistyped option", ["embed", "--modle", model], 2, err="did you mean --model?")
expect("letters swapped in an option", ["tokenize", "x", "--jsno"], 2, err="did you mean --json?")
expect("another spelling", ["tokenize", "x", "--tokeniser=hf"], 2, err="did you mean --tokenizer?")
expect("an option of other verbs", ["tokenize", "x", "--threads", "2"], 2, err="no use for it")
expect("a long option with one dash", ["embed", red, "-model", model], 2, err="two dashes, --model")
expect("-m=FILE", ["embed", red, "-m=" + model], 2, err="write -m " + model)
expect("a flag with a value", ["embed", red, "--json=yes"], 2, err="takes no value")
expect("an option that eats the next one", ["embed", red, "-m", "--json"], 2, err="'--json' is an option")
open(tmp + "/-odd", "w").write("")
p = subprocess.run([os.path.abspath(tap.clipc), "embed", "-odd"], cwd=tmp, stderr=subprocess.PIPE)
tap.check(p.returncode == 2 and b"put -- before it" in p.stderr, "a file whose name begins with a dash")
want = tap.run("embed", red, "-m", model)
for form in (["--model", model], ["--model=" + model], ["-m" + model]):
    tap.check(tap.run("embed", red, *form) == want and want[0] == 0, "the model as " + form[0][:8])

# Files of other programs are named for what they are, whatever their names.
foreign = [(b"PK\3\4" + bytes(26) + b"archive/data.pkl" + bytes(99), "x.pt", "PyTorch"),
           (b"PK\3\4" + bytes(26) + b"model/data.pkl" + bytes(99), "pytorch_model.bin", "PyTorch"),
           (b"\x80\x02}q\x00." + bytes(99), "old", "PyTorch"), (b"GGUF\3\0\0\0" + bytes(99), "g", "GGUF"),
           (b"\x08\x07\x12\x07pytorch" + bytes(99), "m.onnx", "ONNX"),
           (b"\x10\0\0\0\0\0\0\0{\"a\": 1        }", "s", "safetensors"),
           (b"version https://git-lfs.github.com/spec/v1\n", "pytorch_model.pt", "git-lfs pointer")]
for data, name, what in foreign:
    open(tmp + "/" + name, "wb").write(data)
    for args in (["embed", red, "-m", tmp + "/" + name], ["info", tmp + "/" + name],
                 ["selftest", tmp + "/" + name]):
        expect("%s: %s as a model" % (args[0], what), args, 1, err=what)
expect("a HuggingFace folder as a model", ["embed", red, "-m", "tests/golden/mini"], 1, err="clipc convert")

M = ["-m", model]
expect("classify without labels", ["classify", red] + M, 2, err="no labels")
expect("a missing image", ["classify", tmp + "/none.jpg", "a", "b"] + M, 1, err="No such file")
expect("a folder without images", ["embed", words] + M, 1, err="no image in this folder")
expect("a missing model", ["embed", red, "-m", tmp + "/none.clipc"], 1, err="No such file")
expect("a folder as model", ["embed", red, "-m", tmp], 1, err="is a directory")
expect("a picture as model", ["embed", red, "-m", red], 1, err="not a clipc weight file")
expect("an empty model", ["embed", red, "-m", "/dev/null"], 1)
expect("an unknown kernel set", ["embed", red, "--kernels", "mmx"] + M, 1, err="scalar")
expect("a wrong number", ["embed", red, "--threads", "two"] + M, 2, err="whole number")
expect("a wrong choice", ["embed", red, "--precision", "half"] + M, 2, err="exact or fast")
expect("an option without its value", ["embed", red, "-m"], 2, err="wants a value")
expect("a template without a place for the label", ["classify", red, "a", "--template", "photo"] + M, 2,
       err="wants {}")
expect("a folder where a file is to be written", ["embed", red, "--npy", tmp] + M, 1, err="no regular file")
expect("nothing to embed", ["embed"] + M, 2, err="nothing to embed")
expect("no text", ["tokenize"] + M, 2)
expect("one item to compare", ["compare", red] + M, 2, err="exactly two")
expect("a text where an image is meant", ["compare", red, "a photo of a cat"] + M, 2, err="--text")


def records(*args, **keywords):
    code, out, err = tap.run(*args, **keywords)
    return code, json.loads(out), err


code, r, err = records("embed", "--text", "one", red, "--text", "", bad, blue, "--json", *M)
tap.check(code == 1 and [x["text"] for x in r] == ["one", None, "", None, None] and
          [x["image"] for x in r] == [None, red, None, bad, blue] and
          [x["error"] is None for x in r] == [True, True, True, False, True] and
          r[3]["embedding"] is None and len(r[4]["embedding"]) == 32,
          "embed --json: rows in the order of the arguments, one bad image is one error")
tap.check(err.startswith("clipc: " + bad + ": "), "the error names the file: " + err.strip())
code, out, _ = tap.run("embed", "--text", "one", red, "--text", "", bad, blue, "--npy", tmp + "/e.npy", *M)
a = np.load(tmp + "/e.npy")
tap.check(code == 1 and a.shape == (5, 32) and np.isnan(a[3]).all() and
          np.allclose((a[[0, 1, 2, 4]] ** 2).sum(1), 1, atol=1e-6) and
          np.allclose(a[4], r[4]["embedding"], atol=1e-8), "embed --npy: a row of NaN, the rest of length 1")
tap.check(not [f for f in os.listdir(tmp) if ".part." in f], "no temporary file is left")
code, out, _ = tap.run("embed", red, blue, "--jsonl", *M)
tap.check(len(out.decode().splitlines()) == 2 and all(json.loads(x) for x in out.decode().splitlines()),
          "embed --jsonl: a record a line")
code, r, _ = records("embed", "-", "--json", *M, input=(red + "\n" + blue + "\n").encode())
tap.check(code == 0 and [x["image"] for x in r] == [red, blue], "paths on stdin")
code, r, _ = records("embed", "-", "-0", "--json", *M, input=(red + "\0" + blue).encode())
tap.check(code == 0 and [x["image"] for x in r] == [red, blue], "paths on stdin, separated by NUL")
code, r, _ = records("embed", "--image", "-", "--json", *M, input=open(red, "rb").read())
direct = records("embed", red, "--json", *M)[1]
tap.check(code == 0 and r[0]["embedding"] == direct[0]["embedding"], "an image's bytes on stdin")
open(tmp + "/texts", "w").write("one\n\ntwo words\n")
code, r, _ = records("embed", "--texts", tmp + "/texts", "--json", *M)
tap.check(code == 0 and [x["text"] for x in r] == ["one", "two words"], "a text for each line that is not blank")
code, r, _ = records("embed", "--text", "x" * 100000, "--json", *M)
tap.check(code == 0 and r[0]["error"] is None, "a text of 100,000 characters")
code, r, _ = records("embed", ppm("dot.ppm", (1, 2, 3), 1, 1), ppm("line.ppm", (1, 2, 3), 30000, 1),
                     "--json", *M)
tap.check(code == 0 and all(x["error"] is None for x in r), "images of 1 x 1 and 30000 x 1")
os.makedirs(tmp + "/tree/b")
for f in ("tree/b/1.ppm", "tree/a.ppm", "tree/Z.ppm"):
    shutil.copy(red, "%s/%s" % (tmp, f))
open(tmp + "/tree/notes.txt", "w").write("no picture")
code, r, _ = records("embed", tmp + "/tree", "--json", *M)
tap.check([x["image"][len(tmp) + 6:] for x in r] == ["Z.ppm", "a.ppm", "b/1.ppm"],
          "a folder: recursive, bytewise order, only images")
os.symlink("..", tmp + "/tree/b/up")
os.symlink(tmp + "/nowhere", tmp + "/tree/dangling")
code, r, _ = records("embed", tmp + "/tree", "--json", *M)
tap.check(code == 0 and len(r) == 3, "links that lead back are not followed: %d images" % len(r))

code, r, _ = records("classify", red, "cat", "dog", "at", "--json", *M)
s = r[0]["labels"]
tap.check(code == 0 and len(s) == 3 and abs(sum(x["score"] for x in s) - 1) < 1e-6 and
          sorted((x["score"] for x in s), reverse=True) == [x["score"] for x in s],
          "classify --json: scores sum to 1, best first")
e = records("embed", red, "--text", "cat", "--text", "dog", "--text", "at", "--json", *M)[1]
v = np.array([x["embedding"] for x in e])
info = json.loads(tap.run("info", model, "--json")[1])[0]
logits = np.exp(info["logit_scale"]) * (v[1:] @ v[0])
p = np.exp(logits - logits.max())
want = dict(zip(["cat", "dog", "at"], p / p.sum()))
tap.check(all(abs(want[x["label"]] - x["score"]) < 1e-4 for x in s), "scores are the softmax of the logits")
code, r, _ = records("classify", "--label", "cat", "--label", "dog", red, blue, "--top", "1", "--json", *M)
tap.check(code == 0 and len(r) == 2 and all(len(x["labels"]) == 1 for x in r), "--label: all positionals are images")
open(tmp + "/labels", "w").write("cat\ndog\n\n")
code, r, _ = records("classify", red, "--labels", tmp + "/labels", "--json", "--scores",
                     "--template", "a {}", "--template", "my {}", *M)
t = records("embed", red, "--text", "a cat", "--text", "my cat", "--json", *M)[1]
t = [np.array(x["embedding"]) for x in t]
mean = (t[1] + t[2]) / np.linalg.norm(t[1] + t[2])
got = [x["cosine"] for x in r[0]["labels"] if x["label"] == "cat"][0]
tap.check(len(r[0]["labels"]) == 2 and abs(got - mean @ t[0]) < 1e-5, "templates are averaged")
code, out, _ = tap.run("classify", red, bad, "--label", "cat", "--label", "dog", *M)
tap.check(code == 1 and b"%" in out and b"cat" in out, "classify prints a table")

code, out, _ = tap.run("compare", red, "--text", "cat", *M)
tap.check(code == 0 and abs(float(out) - v[0] @ v[1]) < 1e-5, "compare prints the cosine")
code, out, _ = tap.run("compare", red, red, *M)
tap.check(code == 0 and abs(float(out) - 1) < 1e-6, "an image and itself")

code, out, _ = tap.run("tokenize", "cat dog", "CATS", *M)
tap.check(code == 0 and out.decode().splitlines()[0] == "572 513 515 573"
          or out.decode().splitlines()[0] == "%d %d %d %d" % (572, vocab.index("cat</w>"), vocab.index("dog</w>"), 573),
          "tokenize prints ids: " + out.decode().splitlines()[0])
code, out, err = tap.run("tokenize", "--json", *M, input=b'"cat"\n"a\\u0000b"\n{}\n"dog"\n')
lines = out.decode().splitlines()
tap.check(code == 1 and len(lines) == 4 and lines[2] == "null" and json.loads(lines[3])[1] == vocab.index("dog</w>"),
          "tokenize --json: U+0000, and one bad line is one null")

code, out, err = tap.run("info", model, "--verify")
tap.check(code == 0 and b"matches" in out, "info --verify")
data = bytearray(open(model, "rb").read())
data[len(data) // 2] ^= 1
open(tmp + "/flip.clipc", "wb").write(data)
expect("a flipped bit is found by --verify", ["info", tmp + "/flip.clipc", "--verify"], 1, err="SHA-256")
expect("and by selftest", ["selftest", tmp + "/flip.clipc"], 1, err="SHA-256")
expect("selftest", ["selftest", model], 0, "ok")
expect("selftest of no such kernel set", ["selftest", model, "--kernels", "mmx"], 1, err="mmx")
expect("info is for people", ["info", model], 0, lambda o: b"visual" not in o and len(o.splitlines()) < 15)
expect("info --tensors", ["info", model, "--tensors"], 0, "vision.patch_embed")
expect("selftest --deep", ["selftest", model, "--deep"], 0, "3_after_attn_residual")
expect("trace", ["trace", "--text", "cat"] + M, 0, "text.block00.3_after_attn_residual")
expect("trace of nothing", ["trace"] + M, 2)
code, out, _ = tap.run("trace", "--image", red, "--json", *M)
tap.check(code == 0 and json.loads(out)[0]["name"] == "vision.00_patch_embed", "trace --json")

# Labels and texts: what white space and byte order marks stand around them is no part of them.
MARK = "\ufeff"
names = ["a red circle", "a blue ring"]
for text, made in [("a byte order mark", MARK + "\n".join(names)),
                   ("CR LF, blank lines, tabs", "\r\n \t\r\n\ta red circle \r\n\r\na blue ring\r\n   "),
                   ("no-break and ideographic spaces", "\u00a0a red circle\u3000\n\u2003\na blue ring\u2028")]:
    open(tmp + "/names", "w", encoding="utf-8", newline="").write(made)
    code, r, err = records("classify", red, "--labels", tmp + "/names", "--json", *M)
    tap.check(code == 0 and err == "" and r == records("classify", red, *names, "--json", *M)[1],
              "a file of labels with " + text)
    code, r, err = records("embed", "--texts", tmp + "/names", "--json", *M)
    tap.check(code == 0 and [x["text"] for x in r] == names, "a file of texts with " + text)
open(tmp + "/names", "w", encoding="utf-16").write("\n".join(names))
expect("labels in UTF-16", ["classify", red, "--labels", tmp + "/names"] + M, 1, err="UTF-16")
open(tmp + "/names", "wb").write("a red circle\na café\n".encode("latin-1"))
expect("labels in Latin-1 are taken, and said to be none of UTF-8", ["classify", red, "--labels", tmp + "/names"] + M, 0,
       err="line 2 is not UTF-8")
for args in ([MARK + " a red circle\t", "a blue ring\r", "", " \u3000"],
             ["--label", "\na red circle", "--label", "a blue ring ", "--label", "  "]):
    code, r, err = records("classify", red, *args, "--json", *M)
    tap.check(code == 0 and "empty label" in err and r == records("classify", red, *names, "--json", *M)[1],
              "typed labels, " + ("--label" if "--label" in args else "behind the image"))
expect("only empty labels", ["classify", red, "", " "] + M, 2)
code, out, err = tap.run("classify", red, "a ring", "a star", " a ring", *M)
tap.check(code == 0 and out.decode().count("a ring") == 2 and "'a ring' stands more than once:" in err,
          "a label that stands twice is kept, and said " + err)

# One label alone: its cosine, with the range worth showing.
code, _, err = tap.run("convert", model, "-o", tmp + "/shown.clipc", "--display", "0.1,0.3")
cosine = records("classify", red, "cat", "--json", *M)[1][0]["labels"][0]["cosine"]
code, out, err = tap.run("classify", red, "cat", "-m", tmp + "/shown.clipc")
tap.check(code == 0 and b"%" not in out and "%.4f" % cosine in out.decode() and "0.10" in err and "0.30" in err,
          "one label alone shows its cosine and says why")
code, out, err = tap.run("classify", red, "cat", "dog", *M)
tap.check(code == 0 and err == "" and out.count(b"%") == 2, "two labels share 100 %")

# The embedded model says when a word is not of its world, by its own vocabulary.
if os.path.exists("weights/demo.clipc"):
    known = open("tests/images/labels.txt").read().splitlines()
    code, out, err = tap.run("classify", red, *known)
    tap.check(code == 0 and err == "", "labels of the drawn world pass in silence: " + err)
    for text, args in [("a label", ["classify", red, known[0], "a zeppelin"]),
                       ("the word of a template", ["classify", red, *known[:2], "--template", "zeppelin {}"]),
                       ("a label in JSON", ["classify", red, "zeppelin,", known[0], "--json"]),
                       ("a text to compare", ["compare", red, "--text", "ZEPPELIN"]),
                       ("a text to embed", ["embed", "--text", known[0], "--text", "zeppelin"])]:
        code, out, err = tap.run(*args)
        tap.check(code == 0 and "zeppelin" in err.lower() and "-m" in err and len(err.splitlines()) == 1,
                  text + " outside the drawn world")
    code, out, err = tap.run("classify", red, "a zeppelin", "a cat", *M)
    tap.check(code == 0 and err == "", "a model of one's own may know a zeppelin")
else:
    tap.skip("no weights/demo.clipc (make train-demo)")

# Texts where files are meant.
code, out, err = tap.run("embed", "a red circle", red, *M)
tap.check(code == 1 and '--text "a red circle"' in err and len(out.splitlines()) == 2,
          "embed hints at --text, and goes on")
code, out, err = tap.run("embed", "circle", *M)
tap.check(code == 1 and '--text "circle"' in err, "embed hints at --text for one word")
code, out, err = tap.run("embed", tmp + "/none.jpg", *M)
tap.check(code == 1 and "--text" not in err, "a missing file is only that")
expect("compare hints at --text", ["compare", red, "circle"] + M, 2, err='--text "circle"')
expect("labels first", ["classify", "a red circle", red] + M, 1, err="the image comes first")

# Nothing from outside steers a terminal: C0, DEL, C1 (as UTF-8 and as bytes), overrides of direction, ends
# of lines.  What is left of the string is shown; JSON keeps all of it.
EVIL = "\033[31mEVIL\033[2J\a\x7f\x9b31m\u202e\u2066\u200f\u061c\u2028\r\b"


def harmless(text):
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)


evil = bytes.fromhex(EVIL.encode().hex()) + b"\x9b31m"
evil_path = os.fsencode(tmp) + b"/" + evil + b".ppm"
shutil.copy(red, evil_path)
expect("a name to mislead", ["convert", "tests/golden/mini", "-o", tmp + "/evil.clipc", "--name", EVIL,
                             "--vocab", words], 0)
E = ["-m", tmp + "/evil.clipc"]
for text, args in [("info", ["info", tmp + "/evil.clipc", "--tensors"]), ("selftest", ["selftest"] + E),
                   ("classify, a file's name", ["classify", evil_path, "cat", "dog"] + E),
                   ("classify, a label", ["classify", red, EVIL, "dog"] + E),
                   ("a file that is not there", ["embed", evil] + E),
                   ("a model that is not there", ["embed", red, "-m", evil]),
                   ("a verb", [EVIL]), ("an option", ["embed", "--" + EVIL]),
                   ("a value", ["embed", red, "--threads", EVIL]),
                   ("a set of kernels", ["embed", red, "--kernels", EVIL] + E)]:
    code, out, err = tap.run(*args)
    shown = out.decode("utf-8") + err
    tap.check(harmless(shown) and ("EVIL" in shown), "%s: no control character comes out %s" %
              (text, "" if harmless(shown) else repr(shown)))
code, r, err = records("classify", red, EVIL, "dog", "--json", *E)
tap.check(code == 0 and sorted(x["label"] for x in r[0]["labels"]) == sorted([EVIL, "dog"]),
          "JSON keeps every character of a label")

# The table's columns, as Python's East Asian widths and combining classes have them.
labels = ["größtes Käferkästchen", "日本語のラベル", "한글", "e\u0301\u0327combining", "x", "ｗｉｄｅ", "\u200bnothing seen",
          "\u1112\u1161\u11ab\u1100\u1173\u11af", "🐈 cat"]


def columns(text):
    return sum(0 if unicodedata.category(c) in ("Mn", "Me", "Cf") or "\u1160" <= c <= "\u11ff" else
               2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


code, out, _ = tap.run("classify", red, *labels, *E)
rows = [line for line in out.decode().splitlines() if "%" in line]
ends = {columns(line[:line.index("%")]) for line in rows}
tap.check(len(rows) == len(labels) and ends == {2 + max(map(columns, labels)) + 1 + 8},
          "classify's table is aligned by columns %s" % ends)
if os.path.exists("/dev/full"):
    with open("/dev/full", "wb") as full:
        p = subprocess.run([tap.clipc, "info", model], stdout=full, stderr=subprocess.PIPE)
    tap.check(p.returncode == 1 and b"standard output" in p.stderr, "a full disk on stdout is an error")
    with open("/dev/full", "wb") as full:  # in the middle, with more read than the batcher holds
        p = subprocess.run([tap.clipc, "embed", "--jsonl", "--batch", "2", "-"] + M, input=(red + "\n").encode() * 100,
                           stdout=full, stderr=subprocess.PIPE)
    tap.check(p.returncode == 1 and b"standard output" in p.stderr and b"Sanitizer" not in p.stderr,
              "so is one that fills up among the records, and nothing leaks")
os.mkfifo(tmp + "/pipe")
reader = subprocess.Popen(["cat", tmp + "/pipe"], stdout=subprocess.PIPE)
code, _, err = tap.run("embed", red, "--npy", tmp + "/pipe", *M)
data = reader.communicate()[0]
code2, direct, _ = tap.run("embed", red, "--npy", "-", *M)
tap.check(code == 0 and data == direct and stat.S_ISFIFO(os.stat(tmp + "/pipe").st_mode),
          "--npy into a pipe goes through it and leaves it there " + err)
open(tmp + "/real.npy", "w").write("old")
os.symlink("real.npy", tmp + "/link.npy")
code, _, err = tap.run("embed", red, "--npy", tmp + "/link.npy", *M)
tap.check(code == 0 and os.path.islink(tmp + "/link.npy") and open(tmp + "/real.npy", "rb").read() == direct,
          "--npy through a link replaces the file that it names " + err)
expect("convert onto a pipe", ["convert", "--synthetic", "vit-b-32", "-o", tmp + "/pipe"], 1,
       err="no regular file")
if os.getuid() != 0:
    os.chmod(blue, 0)
    expect("an unreadable image", ["embed", blue] + M, 1, err="Permission denied")
else:
    tap.skip("root reads every file: no unreadable image")

# Long work shows a person how far it is; an interrupt in the middle of it leaves neither the file
# nor its temporary name.  A bare root folder has no terminals; `make test &` ignores interrupts.
os.mkdir(tmp + "/cut")
try:
    terminal, theirs = pty.openpty()
except OSError as e:
    tap.skip("no pseudo-terminal here (%s): no progress bar" % e)
    terminal, theirs = None, subprocess.DEVNULL
p = subprocess.Popen([tap.clipc, "convert", "--synthetic", "vit-l-14-336", "-o", tmp + "/cut/x.clipc"],
                     stderr=theirs, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
deadline = time.time() + 60
if terminal is not None:
    os.close(theirs)
    seen = b""
    while b"left" not in seen and time.time() < deadline and select.select([terminal], [], [], 60)[0]:
        seen += os.read(terminal, 4096)
    tap.check(re.search(rb"\d+ % of \d+ MB  [0-9.]+/s  \d+ s left", seen), "a progress bar: %r" % seen[:60])
while not os.listdir(tmp + "/cut") and time.time() < deadline:
    time.sleep(0.01)
begun = os.listdir(tmp + "/cut")
p.send_signal(signal.SIGINT)
p.wait()
tap.check(begun and begun[0].startswith("x.clipc.part.") and p.returncode == -signal.SIGINT and
          not os.listdir(tmp + "/cut"), "an interrupted convert removes its temporary file")
code, out, _ = tap.run("embed", red, *M, env=dict(os.environ, CLIPC_KERNELS="scalar"))
tap.check(code == 0, "CLIPC_KERNELS")
code, out, err = tap.run("embed", red, env=dict(os.environ, CLIPC_MODEL=model))
tap.check(code == 0 and len(out.split()) == 32, "CLIPC_MODEL")
shutil.rmtree(tmp)
tap.done()
