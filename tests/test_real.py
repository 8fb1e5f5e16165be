"""What `make test-real` runs, on a model of no fame with figures made here: right ones pass, wrong ones do not, and
what does not apply is skipped aloud.  The figures of tests/real.json are of weights that are not in this tree."""
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

import tap

tmp = tempfile.mkdtemp()
tap.byte_vocabulary(tmp + "/vocab")
model = tmp + "/mini.clipc"
tap.check(tap.run("convert", "tests/golden/mini", "-o", model, "--vocab", tmp + "/vocab")[0] == 0, "a model")
info = json.loads(tap.run("info", model, "--json")[1])[0]
picture = "tests/images/red-cross-5.png"
texts = ["cat", "dog"]
tap.run("embed", picture, "--text", "cat", "--text", "dog", "--npy", tmp + "/v.npy", "-m", model)
tap.run("embed", "--raw", "--text", "cat", "--npy", tmp + "/raw.npy", "-m", model)
v = np.load(tmp + "/v.npy").astype(float)
logits = np.exp(info["logit_scale"]) * (v[1:] @ v[0])
scores = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
norm = float(np.linalg.norm(np.load(tmp + "/raw.npy").astype(float)))
known = {"model": "mini", "sources": [],
         "info": {"embed_dim": info["embed_dim"], "vision": {"layers": info["vision"]["layers"], "activation": info["vision"]["activation"]}},
         "checks": [{"published": "here", "texts": texts, "scores": list(scores), "within": 1e-5},
                    {"published": "here", "text": "cat", "norm": norm, "within": 1e-5}]}


def real(change, *args):
    """(exit code, lines) of the script with changed figures."""
    figures = copy.deepcopy(known)
    change(figures)
    json.dump([figures], open(tmp + "/figures.json", "w"))
    p = subprocess.run([sys.executable, "tests/real.py", *args, "--figures", tmp + "/figures.json"], stdout=subprocess.PIPE)
    return p.returncode, p.stdout.decode()


code, out = real(lambda f: None, model, picture)
tap.check(code == 0 and len(re.findall(r"^ok \d+ - ", out, re.M)) == 2 and "by its shape" in out, "right figures: " + out.splitlines()[-2])
sha = re.search(r"source: .*sha256 (\w{64})", tap.run("info", model)[1].decode())[1]
code, out = real(lambda f: f["sources"].append(sha), model, picture)
tap.check(code == 0 and "by its source's SHA-256" in out, "a model that is surely the one")
code, out = real(lambda f: None, model)
tap.check(code == 0 and "SKIP here: name the picture" in out and "ok 2 - norm" in out, "without the picture: the rest")
for i, key in ((0, "scores"), (1, "norm")):
    def wrong(f):
        f["checks"][i][key] = [scores[0] + 1e-3, scores[1]] if i == 0 else norm * 1.001
    code, out = real(wrong, model, picture)
    tap.check(code == 1 and len(re.findall("^not ok", out, re.M)) == 1, "a wrong figure: " + re.search("not ok.*", out)[0])
for where, value in (("embed_dim", 7), ("vision", {"activation": "erf GELU"}), ("nothing", 1), ("embed_dim", {"a": 1})):
    code, out = real(lambda f: f["info"].update({where: value}), model, picture)
    tap.check(code == 0 and "SKIP" in out and "no published figures" in out, "another %s: %s" % (where, out.splitlines()[0].partition("SKIP ")[2]))
code, out = real(lambda f: None, tmp + "/none.clipc")
tap.check(code == 1 and "none.clipc" in out, "no model: " + out.splitlines()[0])
figures = json.load(open("tests/real.json"))
tap.check(all(set(m) == {"model", "info", "sources", "checks"} and m["checks"] for m in figures), "the real figures: " +
          ", ".join(m["model"] for m in figures))
# A model of that shape, but with random weights: taken for the real one, and found not to have its figures.
big = tmp + "/b.clipc"
if tap.run("convert", "--synthetic", "vit-b-16", "-o", big, "--dtype", "f16", "--no-goldens")[0] == 0:
    p = subprocess.run([sys.executable, "tests/real.py", big], stdout=subprocess.PIPE)
    out = p.stdout.decode()
    tap.check(p.returncode == 1 and "is OpenAI's ViT-B/16, by its shape" in out and "published 9.308764" in out, "a synthetic one: " + out.splitlines()[-2])
shutil.rmtree(tmp)
tap.done()
