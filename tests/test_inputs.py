"""What arguments name: folders, lists, standard input, and in which order and when it is answered."""
import hashlib
import json
import os
import select
import shutil
import stat
import struct
import subprocess
import tempfile

import numpy as np

import tap

tmp = tempfile.mkdtemp()
os.chmod(tmp, 0o755)
model = tmp + "/m.clipc"
code, _, err = tap.run("convert", "tests/golden/mini", "-o", model)
tap.check(code == 0, "convert the small model " + err.strip())
M = ["-m", model]
demo = os.path.join("weights", "demo.clipc")


def ppm(name, colour=(200, 10, 10)):
    path = os.path.join(tmp, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(b"P6\n20 10\n255\n" + bytes(colour) * 200)
    return path


def records(*args, **keywords):
    code, out, err = tap.run(*args, **keywords)
    return code, [json.loads(line) for line in out.splitlines()], err


red, blue = ppm("red.ppm"), ppm("blue.ppm", (10, 10, 200))


# ---- Inputs are pulled ---------------------------------------------------------------------------------

def answer(p, seconds=60):
    """The next line of p, or None when it does not come although p waits for us."""
    return p.stdout.readline() if select.select([p.stdout], [], [], seconds)[0] else None


def conversation(name, args, lines, key):
    """Write a line, read its answer before the next is written: hangs unless inputs are pulled."""
    p = subprocess.Popen([tap.clipc] + args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    good = []
    for line in lines:
        p.stdin.write(line.encode() + b"\n")
        got = answer(p)
        good.append(got is not None and key(json.loads(got), line))
        if got is None:
            break
    p.stdin.close()
    rest = p.stdout.read()
    tap.check(good == [True] * len(lines) and rest == b"" and p.wait() == 0, name)


conversation("embed -: each path's vector before the next path is written", ["embed", "-", "--jsonl"] + M,
             [red, blue, red, red, blue] * 4, lambda r, line: r["image"] == line and r["error"] is None)
conversation("embed --texts -: each text's vector", ["embed", "--texts", "-", "--jsonl", "-m", demo],
             ["a red circle", "a blue ring"], lambda r, line: r["text"] == line and r["error"] is None)
conversation("classify -: each image's labels", ["classify", "-", "--label", "a", "--label", "b", "--jsonl", "-m", demo],
             [red, blue, red], lambda r, line: r["image"] == line and len(r["labels"]) == 2)
conversation("tokenize --json: each text's ids", ["tokenize", "--json", "-m", demo],
             ['"a red circle"', '"x"'], lambda r, line: isinstance(r, list))
p = subprocess.Popen([tap.clipc, "embed", red, "--image", "-", blue, "--jsonl"] + M, stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, bufsize=0)
first = answer(p)
tap.check(first is not None and json.loads(first)["image"] == red,
          "an image before one on stdin is answered before that one comes")
p.stdin.write(open(blue, "rb").read())
p.stdin.close()
rest = [json.loads(x) for x in p.stdout.read().splitlines()]
tap.check(p.wait() == 0 and len(rest) == 2 and rest[0]["embedding"] == rest[1]["embedding"],
          "and then those behind it")

# ---- Folders -------------------------------------------------------------------------------------------

mixed = tmp + "/mixed"
ppm("mixed/b.ppm")
ppm("mixed/no-ending")
ppm("mixed/sub/deep/c.ppm")
ppm("mixed/new\nline.ppm")
files = {"a.HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "cut.jpg": b"", "page.JPG": b"<html>no</html>",
         "half.ppm": b"P6\n20 10\n255\nshort", ".hidden.png": b"", "photo": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
         "notes.txt": b"BM is how it begins", "poem": b"P1 is a line of it", "gif.md": b"GIF89a was a format",
         "film.mp4": b"\0\0\0\x18ftypisom\0\0\0\0mp42isom", ".nomedia": b"", "._a.jpg": b"\0\5\x16\7\0\2\0\0"}
for name, data in files.items():
    open(os.path.join(mixed, name), "wb").write(data)
os.mkfifo(mixed + "/pipe")
os.mkfifo(mixed + "/camera.jpg")
os.symlink("nowhere", mixed + "/lost.png")
os.symlink("nowhere", mixed + "/lost")
os.symlink("..", mixed + "/sub/up")
os.symlink(mixed, mixed + "/sub/deep/top")
os.symlink("../../red.ppm", mixed + "/sub/linked")
good = ["b.ppm", "new\nline.ppm", "no-ending", "sub/deep/c.ppm", "sub/linked"]
bad = ["a.HEIC", "cut.jpg", "page.JPG", "half.ppm", ".hidden.png", "photo", "camera.jpg", "lost.png"]
out = ["notes.txt", "poem", "gif.md", "film.mp4", ".nomedia", "._a.jpg", "pipe", "lost"]
code, r, err = records("embed", mixed, "--jsonl", *M, stdin=subprocess.DEVNULL)
tap.check([x["image"][len(mixed) + 1:] for x in r] == sorted(good + bad, key=lambda n: n.encode().split(b"/")),
          "a folder's pictures, damaged and foreign ones too, in bytewise order: %d of them" % len(r))
tap.check(code == 1 and [x["image"][len(mixed) + 1:] for x in r if x["error"]] == sorted(bad, key=str.encode),
          "what is no good picture is an error in its place, exit 1")
why = {x["image"][len(mixed) + 1:]: x["error"] for x in r}
tap.check("HEIC" in why["a.HEIC"] and "AVIF" in why["photo"] and "empty" in why["cut.jpg"] and
          "regular" in why["camera.jpg"] and "No such file" in why["lost.png"], "errors say what it is")
tap.check("clipc: %d files that are not pictures left out\n" % len(out) in err and
          not any(name in err for name in ("notes", "poem", "film")), "what is none is counted: " + err.splitlines()[-1])
code, r2, err = records("classify", mixed, "--label", "a", "--label", "b", "--jsonl", "-m", demo)
tap.check(code == 1 and [(x["image"], x["error"]) for x in r2] == [(x["image"], x["error"]) for x in r] and
          "left out" in err, "classify sees the same pictures")
code, _, _ = tap.run("embed", mixed, "--npy", tmp + "/mixed.npy", *M)
a = np.load(tmp + "/mixed.npy")
tap.check(code == 1 and len(a) == len(r) and
          [bool(np.isnan(row).all()) for row in a] == [x["error"] is not None for x in r],
          "rows of .npy stand where the records do")
ppm("clean/a.ppm")
code, r, err = records("embed", tmp + "/clean", "--jsonl", *M)
tap.check(code == 0 and len(r) == 1 and err == "", "a folder of pictures alone: exit 0, stderr silent")
open(tmp + "/clean/x.txt", "w").write("x")
code, r, err = records("embed", tmp + "/clean", "--jsonl", *M)
tap.check(code == 0 and err == "clipc: 1 file that is not a picture left out\n", "one file is one: " + err.strip())
os.makedirs(tmp + "/empty/er")
for where in ("empty", "empty/er"):
    code, r, err = records("embed", tmp + "/" + where, "--jsonl", *M)
    tap.check(code == 1 and len(r) == 1 and "no image in this folder" in r[0]["error"], "an empty folder is an error")
deep = tmp + "/deep" + "/d" * 300
os.makedirs(deep)
ppm("deep/z.ppm")
code, r, err = records("embed", tmp + "/deep", "--jsonl", *M)
tap.check(code == 1 and len(r) == 2 and "folders deep" in r[0]["error"] and r[1]["error"] is None,
          "folders in folders end somewhere, and the walk goes on")
names = ["%05d.ppm" % i for i in range(40)] + ["é.ppm", "Z.ppm", "z.ppm", " .ppm", "-.ppm"]
for n in names:
    ppm("many/" + n)
code, r, err = records("embed", tmp + "/many/", "--jsonl", *M)
tap.check(code == 0 and [os.path.basename(x["image"]) for x in r] == sorted(names, key=str.encode) and
          "//" not in r[0]["image"], "45 files, in the order of their bytes")


def nobody():
    os.setgid(65534)
    os.setuid(65534)


def as_nobody(*args):
    """Run where no permission is ignored; None when that user cannot run clipc at all."""
    keywords = {"preexec_fn": nobody} if os.getuid() == 0 else {}
    try:
        code, out, err = tap.run(*args, **keywords)
    except (OSError, subprocess.SubprocessError):
        return None
    return code, [json.loads(line) for line in out.splitlines()], err


private = {"kept.ppm": None, "kept.txt": None, "kept": None, "shut/a.ppm": None, "blind/a.ppm": None}
for n in private:
    os.chmod(ppm("private/" + n), 0 if n.startswith("kept") else 0o644)
ppm("private/open.ppm")
os.chmod(tmp + "/private/shut", 0)
os.chmod(tmp + "/private/blind", 0o444)
os.chmod(model, 0o644)
got = as_nobody("embed", tmp + "/private", "--jsonl", *M)
if got is None:
    tap.skip("no other user to be who may not read a file")
else:
    code, r, err = got
    tap.check(code == 1 and [(x["image"][len(tmp) + 9:], x["error"] and x["error"].split(": ")[-1]) for x in r] ==
              [("blind/a.ppm", "Permission denied"), ("kept", "Permission denied"), ("kept.ppm", "Permission denied"),
               ("open.ppm", None), ("shut", "Permission denied")] and "1 file that is not a picture" in err,
              "what may not be read is an error: %s" % [x["image"][len(tmp):] for x in r])
for n in ("shut", "blind"):
    os.chmod(tmp + "/private/" + n, 0o755)

# ---- Lists ---------------------------------------------------------------------------------------------

bom = b"\xef\xbb\xbf"
for name, data in (("a byte order mark", bom + (red + "\n" + blue).encode()), ("CR LF", (red + "\r\n" + blue + "\r\n").encode()),
                   ("blank lines", ("\n" + red + "\n\r\n\n" + blue + "\n\n").encode())):
    code, r, err = records("embed", "-", "--jsonl", *M, input=data)
    tap.check(code == 0 and [x["image"] for x in r] == [red, blue], "paths on stdin with " + name + err)
odd = [ppm(" a\n b \r"), ppm("end\r")]
code, r, err = records("embed", "-", "-0", "--jsonl", *M, input="\0".join(odd).encode() + b"\0")
tap.check(code == 0 and [x["image"] for x in r] == odd, "paths between NULs are taken as they are")
code, r, err = records("embed", "-", "--jsonl", *M, input=(ppm(" spaces .ppm") + "\n" + tmp + "/none\n" + red).encode())
tap.check(code == 1 and [x["error"] is None for x in r] == [True, False, True], "white space belongs to a path")
texts = ["one", "\t two  words \u00a0", "", " \u3000 ", "thr\u00e9\u00e9\r", "\u200bfour", "\x1ffive\x1c", "six"]
open(tmp + "/t.txt", "wb").write(bom + "\n".join(texts).encode())
code, r, err = records("embed", "--texts", tmp + "/t.txt", "--jsonl", "-m", demo)
wanted = [t.strip() for t in texts if t.strip()]
tap.check(code == 0 and [x["text"] for x in r] == wanted, "texts are what Python's str.strip leaves of a line")
code, r, err = records("classify", red, "--labels", tmp + "/t.txt", "--jsonl", "-m", demo)
tap.check(code == 0 and sorted(x["label"] for x in r[0]["labels"]) == sorted(wanted), "and so are labels")

# ---- Standard input is there once ----------------------------------------------------------------------

for args in (["embed", "-", "-"], ["embed", "--image", "-", "--image", "-"], ["embed", "-", "--image", "-"],
             ["embed", "--texts", "-", "-"], ["embed", "--texts", "-", "--image", "-"],
             ["embed", "--texts", "-", "--texts", "-"], ["embed", "--tokens", "-", "--pixels", "-"],
             ["classify", "-", "--labels", "-"], ["classify", "--image", "-", "--labels", "-"],
             ["classify", "-", "-", "--label", "a"], ["compare", "-", "--image", "-"],
             ["compare", "--image", "-", "--image", "-"]):
    code, out, err = tap.run(*args, *M, input=open(red, "rb").read())
    tap.check(code == 2 and out == b"" and "standard input" in err and "./-" in err, " ".join(args) + " is refused")
code, _, err = tap.run("embed", red, "--npy", "-", "--jsonl", *M)
tap.check(code == 2 and "standard output" in err, "nor can records and an array share standard output")
shutil.copy(red, tmp + "/-")
here = os.getcwd()
shown = []
for args, data in ((["./-"], b""), (["--image", "./-"], b""), (["-"], b"-\n"), (["-"], b"./-\n")):
    p = subprocess.run([os.path.join(here, tap.clipc), "embed"] + args + ["--jsonl"] + M, input=data, cwd=tmp,
                       stdout=subprocess.PIPE, timeout=60)
    shown.append((p.returncode, json.loads(p.stdout)["image"], json.loads(p.stdout)["error"]))
tap.check(shown == [(0, "./-", None), (0, "./-", None), (0, "-", None), (0, "./-", None)],
          "a file called - is read as ./-, and by its name from a list")
code, a, _ = tap.run("preprocess", "--image", "-", "--npy", "-", *M, input=open(red, "rb").read())
code2, b, _ = tap.run("preprocess", red, "--npy", "-", *M)
tap.check(code == 0 == code2 and a == b, "preprocess --image - reads the bytes of an image")
code, _, err = tap.run("preprocess", "--image", "-", "--npy", "-", *M, input=b"no image")
tap.check(code == 1 and "standard input: " in err, "and names standard input in its error")
code, out, err = tap.run("trace", "--image", "-", "--json", *M, input=open(red, "rb").read())
tap.check(code == 0 and json.loads(out)[0]["name"] == "vision.00_patch_embed", "so does trace")

# ---- Vectors that are not finite, and rows of arrays ---------------------------------------------------

pixels = np.load("tests/golden/mini/pixels.npy")[:1].repeat(10, 0)
pixels[3, 1, 2, 3], pixels[8, 0, 0, 0] = np.nan, np.inf
np.save(tmp + "/p.npy", pixels)
code, r, err = records("embed", "--pixels", tmp + "/p.npy", "--jsonl", *M)
tap.check(code == 1 and [i for i, x in enumerate(r) if x["error"]] == [3, 8] and
          all(x["embedding"] == r[0]["embedding"] for i, x in enumerate(r) if i not in (3, 8)) and
          r[3]["embedding"] is None and "p.npy[3]: the vector is not finite" in r[3]["error"],
          "a row that gives NaN is an error, its neighbours are right")
tokens = np.load("tests/golden/mini/tokens.npy")[:1].repeat(5, 0).astype(np.int64)
tokens[2, 1] = 10**9
np.save(tmp + "/k.npy", tokens)
code, r, err = records("embed", "--tokens", tmp + "/k.npy", red, "--jsonl", *M)
tap.check(code == 1 and [x["error"] is None for x in r] == [True, True, False, True, True, True] and
          "k.npy[2]" in r[2]["error"], "a row of bad ids is an error, its neighbours are right")
open(tmp + "/no.npy", "w").write("no")
code, r, err = records("embed", red, "--pixels", tmp + "/no.npy", blue, "--jsonl", *M)
tap.check(code == 1 and [x["error"] is None for x in r] == [True, False, True], "an array that is none is one error")

# A model whose image tower holds one NaN: LayerNorm biases are float32 in the weight file.
data = open("tests/golden/mini/model.safetensors", "rb").read()
head = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
name = [n for n in head if "vision" in n and n.endswith("layers.0.layer_norm1.bias")][0]
begin, end = (8 + struct.unpack("<Q", data[:8])[0] + x for x in head[name]["data_offsets"])
weights = open(model, "rb").read()
bias = np.frombuffer(data[begin:end], {"F16": "<f2", "F32": "<f4"}[head[name]["dtype"]]).astype("<f4").tobytes()
at = weights.find(bias)
tap.check(at > 0 and weights.find(bias, at + 1) < 0, "a bias is found in the weight file")
open(tmp + "/nan.clipc", "wb").write(weights[:at] + struct.pack("<f", float("nan")) + weights[at + 4:])
N = ["-m", tmp + "/nan.clipc"]
code, r, err = records("embed", red, "--tokens", "tests/golden/mini/tokens.npy", "--jsonl", *N)
tap.check(code == 1 and r[0]["embedding"] is None and "not finite" in r[0]["error"] and red in err and
          all(x["error"] is None for x in r[1:]), "embed: a NaN in the image tower is an error of images alone")
code, r, err = records("compare", red, blue, "--jsonl", *N)
tap.check(code == 1 and r[0]["cosine"] is None and "not finite" in r[0]["error"], "compare: null and an error")
code, out, err = tap.run("compare", red, blue, *N)
tap.check(code == 1 and out == b"" and "not finite" in err, "compare prints no number")
code, out, err = tap.run("trace", "--pixels", "tests/golden/mini/pixels.npy", "--json", *N)
tap.check(code == 1 and "not finite" in err and any(x["mean"] is None for x in json.loads(out)), "trace shows where")
# selftest wants the right SHA-256, which stands in the header over a file in which it is zero.
data = open(tmp + "/nan.clipc", "rb").read()
where = [i for i in range(0, 512, 8) if hashlib.sha256(weights[:i] + bytes(32) + weights[i + 32:]).digest() ==
         weights[i:i + 32]][0]
data = data[:where] + bytes(32) + data[where + 32:]
data = data[:where] + hashlib.sha256(data).digest() + data[where + 32:]
open(tmp + "/nan.clipc", "wb").write(data)
code, out, err = tap.run("selftest", tmp + "/nan.clipc", "--json", "--kernels", "scalar")
r = json.loads(out)
tap.check(code == 1 and r[0]["what"] == "image" and r[0]["max_abs"] is None and not r[0]["ok"] and
          "not finite" in err, "selftest --json: null, and no success")

os.system("chmod -R u+rwX " + tmp)
shutil.rmtree(tmp)
tap.done()
