"""Each option that a verb's --help offers does something: the command is run with it and without it, and
what comes out (stdout, stderr, files, exit code) must differ.  The help is read, so that an option without
a row in the table below fails, as does a row that the help does not offer."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import numpy as np

import tap

tmp = tempfile.mkdtemp()
tap.byte_vocabulary(tmp + "/vocab")
tap.check(tap.run("convert", "tests/golden/mini", "-o", tmp + "/mini.clipc", "--vocab", tmp + "/vocab")[0] == 0,
          "a model to try with")
plain = tap.run("info", tmp + "/mini.clipc", "--json")[1].decode()
side = int(re.search(r'"image_size": (\d+)', plain).group(1))

# A picture where OpenAI's crop (half to even) and HuggingFace's (floor) differ: 1.5 is 2 or 1.
pixels = np.random.default_rng(7).integers(0, 256, (side, side + 3, 3), dtype=np.uint8)
image = tmp + "/noise.ppm"
with open(image, "wb") as f:
    f.write(b"P6\n%d %d\n255\n" % (side + 3, side) + pixels.tobytes())
# The same picture as a list of paths that end in NUL, and one that is turned.
open(tmp + "/paths", "w").write(image + "\n")
jpeg = open("tests/images/red-square-4.jpg", "rb").read()
exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
turned = tmp + "/turned.jpg"
open(turned, "wb").write(jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:])
large = "tests/images/ace-of-spades-22.jpg"  # 208 x 208: six times the model's side
cut = tmp + "/cut.ppm"
open(cut, "wb").write(open(image, "rb").read()[:-100])
open(tmp + "/labels", "w").write("cat\ndog\n")
open(tmp + "/texts", "w").write("one\ntwo\n")
np.save(tmp + "/pixels.npy", np.zeros((1, 3, side, side), np.float32))
np.save(tmp + "/tokens.npy", np.array([[572, 99, 573]], np.int64))
os.mkdir(tmp + "/out")
raw = tmp + "/frames.rgb"
open(raw, "wb").write(bytes(range(144)))
index = tmp + "/frames.npy"
RAW = ["--format", "raw", "--size", "4x4"]
demo = os.path.exists("weights/demo.clipc")
turbo = "libjpeg-turbo yes" in tap.run("info", "--build")[1].decode()
jpegs = "JPEG" in tap.run("info", "--build")[1].decode()
M = ["-m", tmp + "/mini.clipc"]
# Vectors of five frames, with or against the text "x".
x = np.array(json.loads(tap.run("embed", "--text", "x", "--jsonl", *M)[1])["embedding"], np.float32)
np.save(index, [x, x, -x, x, -x])
sha = json.loads(plain)[0]["sha256"]
for name in ("frames", "fifo"):
    with open(tmp + "/%s.jsonl" % name, "w") as f:
        for i in range(5):
            f.write(json.dumps({"source": "film", "frame": i, "timestamp": i / 10, "model": sha}) + "\n")
os.symlink(tmp + "/fifo", tmp + "/fifo.npy")
OUT = "{out}"  # becomes a new file's name; its content is part of what comes out


def outcome(args, stdin=None):
    """What a command shows and writes; times of classify's table are cut out."""
    for name in os.listdir(tmp + "/out"):
        shutil.rmtree(tmp + "/out/" + name) if os.path.isdir(tmp + "/out/" + name) else \
            os.remove(tmp + "/out/" + name)
    args = [a.replace(OUT, tmp + "/out/x") for a in args]
    code, out, err = tap.run(*args, input=stdin)
    files = []
    for folder, _, names in os.walk(tmp + "/out"):
        files += [(folder, n, open(os.path.join(folder, n), "rb").read()) for n in sorted(names)]
    return code, re.sub(rb"\(\d+\.\d ms\)", b"", out), err, files


def threads_of(args, content):
    """How many threads the command has while it waits for the content of a file."""
    fifo = tmp + "/fifo"
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
    p = subprocess.Popen([tap.clipc] + [a.replace("{fifo}", fifo) for a in args], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    while p.poll() is None:
        try:
            fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)  # fails until the command reads
        except OSError:
            time.sleep(0.01)
            continue
        n = len(os.listdir("/proc/%d/task" % p.pid))
        os.write(fd, open(content, "rb").read())
        os.close(fd)
        return n if p.wait() == 0 else -1
    return -1


def theirs(picture, words=None):
    """A folder for verify: one input, and a vector that is none of ours."""
    path = tempfile.mkdtemp(dir=tmp)
    open(path + ("/images.txt" if picture else "/texts.txt"), "w").write(os.path.abspath(picture) if picture else words)
    np.save(path + ("/image_embed.npy" if picture else "/text_embed.npy"), np.ones((1, dim), "f4"))
    return path


dim = json.loads(plain)[0]["embed_dim"]
cpus = len(os.sched_getaffinity(0))
against = theirs(large)
TWO = "one or two threads"  # rows that count threads; they need two CPUs

# verb: (arguments, {option: what to add, or (arguments without, arguments with)})
text = ["--text", "&amp;"]
compute = {"batch": ["--batch", "1000000000"], "kernels": ["--kernels", "no-such-set"],
           "precision": ["--precision", "fast"], "preprocess": ["--preprocess", "openai"], "json": ["--json"],
           "jsonl": ["--jsonl"]}
labels = ["cat", "dog"]
table = {
    "classify": (["classify", image] + labels, {
        "label": (["classify", image, "--label", "cat"], ["classify", image, "--label", "cat", "--label", "dog"]),
        "labels": (["classify", image, "--label", "ox"],
                   ["classify", image, "--label", "ox", "--labels", tmp + "/labels"]),
        "template": (["classify", image, "--json"] + labels,
                     ["classify", image, "--json", "--template", "a {}"] + labels), "top": ["--top", "1"], "scores": ["--scores"],
        "image": ["--image", image], "threads": TWO, **compute, "model": ["-m", OUT],
        "preprocess": (["classify", image, "--json"] + labels,
                       ["classify", image, "--json", "--preprocess", "openai"] + labels),
        "tokenizer": (["classify", image, "--json", "&amp;", "cat"],
                      ["classify", image, "--json", "&amp;", "cat", "--tokenizer", "openai"]),
        "truncated": (["classify", cut, "--json"] + labels, ["classify", cut, "--json"] + labels + ["--truncated"]),
        "max-pixels": (["classify", image, "--json"] + labels, ["classify", image, "--json"] + labels + ["--max-pixels", "9"]),
        "fast-decode": (["classify", large, "--json"] + labels, ["classify", large, "--json", "--fast-decode"] + labels),
        "exif": (["classify", turned, "--json"] + labels, ["classify", turned, "--json", "--exif"] + labels),
        "null": (["classify", "-", "--label", "a"], ["classify", "-", "--label", "a", "-0"])}),
    "embed": (["embed", image], {
        "image": ["--image", image], "text": text, "texts": ["--texts", tmp + "/texts"],
        "tokens": ["--tokens", tmp + "/tokens.npy"], "pixels": ["--pixels", tmp + "/pixels.npy"],
        "npy": ["--npy", OUT], "raw": ["--raw"], "threads": TWO, **compute, "model": ["-m", OUT],
        "tokenizer": (["embed"] + text, ["embed"] + text + ["--tokenizer", "openai"]),
        "truncated": (["embed", cut], ["embed", cut] + ["--truncated"]),
        "max-pixels": (["embed", image], ["embed", image] + ["--max-pixels", "9"]),
        "fast-decode": (["embed", large], ["embed", large, "--fast-decode"]),
        "exif": (["embed", turned], ["embed", turned, "--exif"]), "null": (["embed", "-"], ["embed", "-", "-0"])}),
    "compare": (["compare", image, "--image", tmp + "/turned.jpg"], {
        "image": (["compare", image], ["compare", image, "--image", image]),
        "text": (["compare", image], ["compare", image] + text), "threads": TWO, **compute, "model": ["-m", OUT],
        "tokenizer": (["compare", image] + text, ["compare", image] + text + ["--tokenizer", "openai"]),
        "truncated": (["compare", cut, turned], ["compare", cut, turned] + ["--truncated"]),
        "max-pixels": (["compare", image, turned], ["compare", image, turned] + ["--max-pixels", "9"]),
        "fast-decode": (["compare", image, large], ["compare", image, large, "--fast-decode"]),
        "exif": (["compare", image, turned], ["compare", image, turned, "--exif"])}),
    "tokenize": (["tokenize", "&amp;"], {"model": ["-m", OUT], "tokenizer": ["--tokenizer", "openai"],
                                         "json": ["--json"]}),
    "preprocess": (["preprocess", image, "--npy", OUT], {
        "npy": (["preprocess", image], ["preprocess", image, "--npy", OUT]), "stage": ["--stage", "crop"],
        "size": ["--size", "7"], "image": (["preprocess", "--npy", OUT],
                                           ["preprocess", "--npy", OUT, "--image", image]),
        "model": ["-m", OUT], "preprocess": ["--preprocess", "openai"],
        "truncated": (["preprocess", cut, "--npy", OUT], ["preprocess", cut, "--npy", OUT] + ["--truncated"]),
        "max-pixels": (["preprocess", image, "--npy", OUT], ["preprocess", image, "--npy", OUT] + ["--max-pixels", "9"]),
        "fast-decode": (["preprocess", large, "--npy", OUT], ["preprocess", large, "--npy", OUT, "--fast-decode"]),
        "exif": (["preprocess", turned, "--npy", OUT], ["preprocess", turned, "--npy", OUT, "--exif"])}),
    "trace": (["trace", "--image", image], {
        "image": (["trace"], ["trace", "--image", image]), "text": (["trace"], ["trace", "--text", "cat"]),
        "pixels": (["trace"], ["trace", "--pixels", tmp + "/pixels.npy"]),
        "tokens": (["trace"], ["trace", "--tokens", tmp + "/tokens.npy"]), "output": ["-o", OUT],
        "full-context": (["trace", "--text", "cat"], ["trace", "--text", "cat", "--full-context"]),
        "threads": TWO, **{k: v for k, v in compute.items() if k not in ("batch", "jsonl")}, "model": ["-m", OUT],
        "tokenizer": (["trace"] + text, ["trace"] + text + ["--tokenizer", "openai"]),
        "truncated": (["trace", "--image", cut], ["trace", "--image", cut] + ["--truncated"]),
        "max-pixels": (["trace", "--image", image], ["trace", "--image", image] + ["--max-pixels", "9"]),
        "exif": (["trace", "--image", turned], ["trace", "--image", turned, "--exif"])}),
    "info": (["info"] + M, {"tensors": ["--tensors"], "verify": ["--verify"], "build": ["--build"],
                            "model": ["-m", OUT], "json": ["--json"],
                            "dump": (["info", "tests/golden/mini", OUT],
                                     ["info", "tests/golden/mini", OUT, "--dump", "logit_scale"])}),
    "selftest": (["selftest", "--kernels", "scalar"], {
        "deep": ["--deep"], "kernels": ["--kernels", "no-such-set"], "json": ["--json"], "model": ["-m", OUT],
        "threads": (["selftest", "--kernels", "scalar", "--threads", "1"],
                    ["selftest", "--kernels", "scalar", "--threads", "2"])}),
    "verify": (["verify", "--against", theirs(image)], {
        "against": ["--against", tmp], "limit": ["--limit", "2"], "threads": TWO, **{k: v for k, v in compute.items() if k != "jsonl"},
        "model": ["-m", OUT],
        "tokenizer": (["verify", "--against", theirs(None, "&amp;")], ["verify", "--against", theirs(None, "&amp;"), "--tokenizer", "openai"]),
        "truncated": (["verify", "--against", theirs(cut)], ["verify", "--against", theirs(cut), "--truncated"]),
        "max-pixels": (["verify", "--against", theirs(image)], ["verify", "--against", theirs(image), "--max-pixels", "9"]),
        "fast-decode": (["verify", "--json", "--against", against], ["verify", "--json", "--against", against, "--fast-decode"]),
        "exif": (["verify", "--against", theirs(turned)], ["verify", "--against", theirs(turned), "--exif"])}),
    "watch": (["watch", raw] + RAW + ["x"], {
        "prompt": ["--prompt", "y"], "prompts": ["--prompts", tmp + "/labels"],
        "template": (["watch", raw, "&amp;"] + RAW, ["watch", raw, "&amp;", "--template", "a {}"] + RAW),
        "range": ["--range", "0.01,0.02"], "every": ["--every", "2"], "fps": ["--fps", "5"], "rate": ["--rate", "5"],
        "format": (["watch", raw, "x", "--size", "4x4"], ["watch", raw, "x", "--size", "4x4", "--format", "raw"]),
        "size": (["watch", raw, "x", "--format", "raw"], ["watch", raw, "x", "--format", "raw", "--size", "4x4"]),
        "realtime": ["--realtime"], "timeout": ["--timeout", "x"], "skip-similar": ["--skip-similar", "255"],
        "threshold": ["--threshold", "0.1"], "hysteresis": ["--threshold", "0.1", "--hysteresis", "x"],
        "min-duration": (["watch", raw, "x", "--threshold", "-1"] + RAW, ["watch", raw, "x", "--threshold", "-1", "--min-duration", "9"] + RAW),
        "smooth": ["--smooth", "3"], "on-event": ["--threshold", "-1", "--on-event", "false"], "cooldown": ["--cooldown", "x"],
        "save-clips": (["watch", raw, "x", "--threshold", "-1"] + RAW, ["watch", raw, "x", "--threshold", "-1", "--save-clips", OUT] + RAW),
        "clip-margin": ["--threshold", "-1", "--save-clips", OUT, "--clip-margin", "x"],
        "webhook": ["--threshold", "1", "--webhook", "ftp://x"], "webhook-ca": ["--webhook-ca", OUT],
        "save-frames": (["watch", raw, "x", "--threshold", "-1"] + RAW, ["watch", raw, "x", "--threshold", "-1", "--save-frames", OUT] + RAW),
        "csv": ["--csv", OUT], "output": ["-o", OUT], "show": (["watch", raw, "--changes"] + RAW, ["watch", raw, "--changes", "--show"] + RAW), "srt": ["--srt", OUT], "svg": ["--svg", OUT], "embed": ["--embed", OUT + ".npy"],
        "summary": ["--summary", "2", "--summary-file", OUT + ".png"], "stats": ["--stats"],
        "summary-file": (["watch", raw, "--summary", "2", "--summary-file", OUT + "1.png"] + RAW, ["watch", raw, "--summary", "2", "--summary-file", OUT + "2.png"] + RAW),
        "threads": TWO, **compute, "jsonl": (["watch", raw, "x", "--json"] + RAW, ["watch", raw, "x", "--json", "--jsonl"] + RAW),
        "model": ["-m", OUT], "preprocess": (["watch", image, "x"], ["watch", image, "x", "--preprocess", "openai"]),
        "changes": ["--changes"], "changes-options": ["--changes-options", "warmup=1"], "outliers": ["--outliers"],
        "outliers-options": ["--outliers-options", "warmup=1"],
        "tokenizer": (["watch", raw, "&amp;"] + RAW, ["watch", raw, "&amp;", "--tokenizer", "openai"] + RAW),
        "truncated": (["watch", cut, "x"], ["watch", cut, "x", "--truncated"]),
        "max-pixels": (["watch", image, "x"], ["watch", image, "x", "--max-pixels", "9"]),
        "exif": (["watch", turned, "x"], ["watch", turned, "x", "--exif"])}),
    "moments": (["moments", index, "x", "--threshold", "0.99"], {
        "prompts": ["--prompts", tmp + "/labels"], "threshold": ["--threshold", "-1"], "smooth": ["--smooth", "3"], "gap": ["--gap", "0"],
        "top": (["moments", index, "x", "--threshold", "0.99", "--gap", "0"], ["moments", index, "x", "--threshold", "0.99", "--gap", "0", "--top", "1"]),
        "template": (["moments", index, "x", "--threshold", "-1"], ["moments", index, "x", "--threshold", "-1", "--template", "a {}"]),
        "min-duration": ["--min-duration", "99"], "threads": TWO, **{k: v for k, v in compute.items() if k != "preprocess"}, "model": ["-m", OUT],
        "tokenizer": (["moments", index, "&amp;", "--threshold", "-1"], ["moments", index, "&amp;", "--threshold", "-1", "--tokenizer", "openai"])}),
    "bench": (["bench", "--whole", "--kernels", "scalar", "--threads", "1", "--batch", "1"], {
        "whole": None, "layers": None, "timeline": None, "scalar": None, "threads": None, "precision": None, "shape": ["--shape", "vit-z-99"],
        "dtype": ["--dtype", "f99"], "against": ["--against", "no-such-set"], "synthetic": ["--synthetic", "vit-z-99"],
        "csv": ["--csv", OUT], "svg": ["--svg", OUT], "json": ["--json"], "model": ["-m", OUT],
        "batch": ["--batch", "1000000000"], "kernels": ["--kernels", "no-such-set"]}),
    "convert": (["convert", "tests/golden/mini", "-o", OUT], {
        "output": (["convert", "tests/golden/mini"], ["convert", "tests/golden/mini", "-o", OUT]),
        "dtype": ["--dtype", "f32"],
        "verbose": (["convert", "tests/golden/mini", "-o", OUT, "--dtype", "q8"], ["convert", "tests/golden/mini", "-o", OUT, "--dtype", "q8", "--verbose"]), "vocab": ["--vocab", tmp + "/vocab"], "name": ["--name", "other"],
        "display": ["--display", "0.1,0.2"], "synthetic": ["--synthetic", "vit-b-32"], "seed": None,
        "arch": ["--arch", "ViT-B-32"], "goldens": None, "no-goldens": ["--no-goldens"]}),
    "pull": (["pull", "a/b", "--endpoint", "ftp://x"], {
        "list": (["pull"], ["pull", "--list"]), "revision": ["--revision", "../x"], "timeout": ["--timeout", "0"],
        "endpoint": (["pull", "a/b", "--endpoint", "ftp://x"], ["pull", "a/b", "--endpoint", "ftp://y"]), "keep": None, "anew": None}),
}
# What takes too long here: whole runs of bench, models of half a gigabyte.
slow = {("bench", o) for o in ("whole", "layers", "timeline", "scalar", "threads", "precision")}
slow |= {("convert", o) for o in ("seed", "goldens")}
slow |= {("pull", o) for o in ("keep", "anew")}  # these want a hub: test_pull.py has one

for verb, (base, rows) in table.items():
    help_text = tap.run(verb, "--help")[1].decode()
    offered = re.findall(r"^  (?:-\w, )?--([\w-]+)|^  -\w ", help_text, re.M)
    tap.check(sorted(offered) == sorted(rows), "%s --help offers %s" % (verb, " ".join(sorted(offered)))
              if sorted(offered) == sorted(rows) else "%s: the help offers %s, the table has %s" %
              (verb, sorted(set(offered) - set(rows)), sorted(set(rows) - set(offered))))
    if verb != "bench":
        again = base + (M if verb not in ("convert", "info", "pull") else [])
        tap.check(outcome(again) == outcome(again), verb + " twice is the same")
    for option, row in sorted(rows.items()):
        name = "%s --%s" % (verb, option)
        model = [] if option == "model" or verb in ("convert", "info", "pull") else M
        stdin = open(tmp + "/paths", "rb").read() if option == "null" else None
        if (verb, option) in slow:
            continue
        if (option == "exif" and not jpegs) or (option == "model" and not demo):
            tap.skip(name + ": no JPEG here" if option == "exif" else name + ": no embedded model")
        elif option == "fast-decode" and not turbo:
            tap.skip(name + ": no libjpeg-turbo")
        elif row == TWO and cpus < 2 or (verb, option) == ("selftest", "threads") and cpus < 2:
            tap.skip(name + ": one CPU")
        elif row == TWO:
            content = index if verb == "moments" else image
            with_image = ["trace", "--image", "{fifo}"] if verb == "trace" else [verb, "{fifo}"]
            with_image = ["moments", "{fifo}.npy", "x"] if verb == "moments" else with_image
            with_image = ["verify", "--limit", "3", "--against", theirs(tmp + "/fifo")] if verb == "verify" else with_image
            with_image += {"classify": labels, "compare": [image], "watch": ["x", "--format", "gray", "--size", "1x1", "--every", "500"]}.get(verb, []) + M
            counts = [threads_of(with_image + ["--threads", n], content) for n in ("1", "2")]
            tap.check(0 < counts[0] < counts[1], "%s 1 and 2: %d and %d threads" % (name, *counts))
        else:
            without, having = row if isinstance(row, tuple) else (base, base + row)
            tap.check(outcome(without + model, stdin) != outcome(having + model, stdin), name)
shutil.rmtree(tmp)
tap.done()
