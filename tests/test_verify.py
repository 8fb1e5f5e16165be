"""`clipc verify`: another implementation's vectors held against the file's.  The figures that it prints are computed
again by NumPy."""
import json
import os
import shutil
import tempfile

import numpy as np

import tap

tmp = tempfile.mkdtemp()
model = tmp + "/mini.clipc"
assert tap.run("convert", "tests/golden/mini", "-o", model)[0] == 0
mini = {n: np.load("tests/golden/mini/%s.npy" % n) for n in ("pixels", "tokens", "image_embed", "text_embed")}


def folder(name, **files):
    """A folder of arrays, or of lists of lines."""
    path = tmp + "/" + name
    os.makedirs(path)
    for file, content in files.items():
        if isinstance(content, list):
            open("%s/%s.txt" % (path, file), "w").write("".join(line + "\n" for line in content))
        else:
            np.save("%s/%s.npy" % (path, file.replace("__", ".")), content)
    return path


def verify(path, *more, model=model):
    code, out, err = tap.run("verify", model, "--against", path, "--json", *more)
    return code, {r["what"]: r for r in json.loads(out or "[]")}, err


def ours(*args):
    assert tap.run("embed", "-m", model, "--raw", "--npy", tmp + "/ours.npy", *args)[0] == 0
    return np.load(tmp + "/ours.npy").astype("f8")


def unit(a):
    return a / np.linalg.norm(a, axis=1, keepdims=True)


code, got, err = verify("tests/golden/mini")
tap.check(code == 0 and set(got) == {"pixels", "tokens", "ranks"} and all(got[k]["ok"] for k in ("pixels", "tokens")),
          "the reference's vectors are the file's %s" % err)
tap.check(got["ranks"] == {"what": "ranks", "images": 4, "texts": 8, "same_first": 4, "same_order": 4}, "and its ranks: %s" % got["ranks"])

# Vectors that are something else: the figures are NumPy's.
rng = np.random.default_rng(1)
theirs = {k: mini[k] * rng.uniform(1, 3, (len(mini[k]), 1)) + rng.normal(0, 0.5, mini[k].shape) for k in ("image_embed", "text_embed")}
other = folder("other", pixels=mini["pixels"], tokens=mini["tokens"], **theirs)
code, got, err = verify(other)
mine = {"image_embed": ours("--pixels", "tests/golden/mini/pixels.npy"), "text_embed": ours("--tokens", "tests/golden/mini/tokens.npy")}
for what, name in (("pixels", "image_embed"), ("tokens", "text_embed")):
    d = unit(theirs[name].astype("f4").astype("f8")) - unit(mine[name])
    far = (d ** 2).sum(1) / 2
    r = got[what]
    tap.check(code == 1 and not r["ok"] and abs(r["max_abs"] / abs(d).max() - 1) < 1e-4 and
              abs(r["one_minus_cosine"] / far.max() - 1) < 1e-4 and r["worst_row"] == far.argmax() and r["rows"] == len(d),
              "%s of others: %.2e, 1 - cosine %.2e in row %d" % (what, r["max_abs"], r["one_minus_cosine"], r["worst_row"]))
a, b = (unit(x["image_embed"]) @ unit(x["text_embed"]).T for x in (theirs, mine))
first = int((a.argmax(1) == b.argmax(1)).sum())
order = int((a.argsort(1) == b.argsort(1)).all(1).sum())
tap.check((got["ranks"]["same_first"], got["ranks"]["same_order"]) == (first, order) and order < 4,
          "and ranks the texts in their order for %d of 4 images, the first for %d" % (order, first))
tap.check(verify(other, "--limit", "1.5")[0] == 0 and verify(other, "--limit", "1e-9")[0] == 1, "--limit is what 1 - cosine may be")
close = dict(theirs, image_embed=mini["image_embed"] + 2e-5 * np.eye(*mini["image_embed"].shape) * np.linalg.norm(mini["image_embed"][0]))
code, got, _ = verify(folder("close", pixels=mini["pixels"], image_embed=close["image_embed"]))
tap.check(code == 1 and 1e-5 < got["pixels"]["max_abs"] < 1e-4, "one element 2e-5 away is not the same: %.1e" % got["pixels"]["max_abs"])

# From files and texts on, by the embedded model.
pictures = sorted(f for f in os.listdir("tests/images") if f.endswith((".png", ".jpg")))[:5]
texts = ["a red circle", "an ace of spades playing card", "  spaces around "]
assert tap.run("embed", "--raw", "--npy", tmp + "/i.npy", *["tests/images/" + f for f in pictures])[0] == 0
assert tap.run("embed", "--raw", "--npy", tmp + "/t.npy", "--text", texts[0], "--text", texts[1], "--text", "spaces around")[0] == 0
full = folder("full", images=["pictures/" + f for f in pictures], texts=texts, image_embed=np.load(tmp + "/i.npy"),
              text_embed=np.load(tmp + "/t.npy"))
os.symlink(os.path.abspath("tests/images"), full + "/pictures")
code, out, err = tap.run("verify", "--against", full, "--json")
got = {r["what"]: r for r in json.loads(out)}
tap.check(code == 0 and got["images"]["ok"] and got["images"]["rows"] == 5 and got["texts"]["ok"] and got["texts"]["rows"] == 3,
          "images.txt and texts.txt of the embedded model %s" % err)
shown = tap.run("verify", "--against", full)[1].decode()
tap.check("images" in shown and "ok" in shown and "ranks" in shown, "as a table: " + " ".join(shown.split())[:90])
np.save(full + "/text_embed.f64.npy", np.load(tmp + "/t.npy")[::-1].astype("f8"))
tap.check(tap.run("verify", "--against", full)[0] == 1, "text_embed.f64.npy goes before text_embed.npy")

# What is wrong with the folder.
for name, files, word in (("empty", {}, "neither image_embed.npy nor text_embed.npy"), ("noinput", {"image_embed": mini["image_embed"]}, "neither pixels.npy nor images.txt"),
                          ("rows", {"image_embed": mini["image_embed"][:3], "pixels": mini["pixels"]}, "4 images, but the other's vectors are 3"),
                          ("dim", {"image_embed": mini["image_embed"][:, :5], "pixels": mini["pixels"]}, "shape [n, 32]"),
                          ("size", {"image_embed": mini["image_embed"], "pixels": mini["pixels"][:, :, 1:]}, "pixels.npy"),
                          ("ids", {"text_embed": mini["text_embed"], "tokens": mini["tokens"] + 100000}, "tokens.npy"),
                          ("gone", {"image_embed": mini["image_embed"], "images": ["a.png", "b.png", "c.png", "d.png"]}, "gone/a.png")):
    code, got, err = verify(folder(name, **files))
    tap.check(code == 1 and word in err and not any(r.get("ok") for r in got.values()), "%s: %s" % (name, err.strip()[-150:]))
bad = mini["image_embed"].copy()
bad[1, 2] = np.nan
code, got, _ = verify(folder("nan", pixels=mini["pixels"], image_embed=bad))
tap.check(code == 1 and not got["pixels"]["ok"] and got["pixels"]["one_minus_cosine"] is None and got["pixels"]["worst_row"] == 1,
          "their NaN is no agreement: %s" % got["pixels"])
for args in ((), ("--against",), ("a", "b", "--against", full), ("--against", full, "--limit", "0"), ("--against", full, "--limit", "x")):
    tap.check(tap.run("verify", *args)[0] == 2, "wrong usage: " + " ".join(("verify",) + args)[:60])
shutil.rmtree(tmp)
tap.done()
