"""make test-real MODEL=FILE [PICTURE=FILE]: does a real model give the figures that are published of it?

usage: real.py MODEL [PICTURE] [--figures FILE]

tests/real.json holds them, by model.  A weight file is one of these when its shape is, as `clipc info` tells it, and
surely so when it was made of a file with a known SHA-256; other weights of that shape have other figures.  Files in q8
are held to ten times the bound.  What does not apply is said, and skipped."""
import argparse
import json
import math
import re

import tap


def fits(have, want):
    """Does what info says of a model contain all of `want`?"""
    return all(fits(have.get(k), v) if isinstance(v, dict) else have.get(k) == v for k, v in want.items()) \
        if isinstance(have, dict) else False


def answers(*args):
    code, out, err = tap.run(*args)
    if code != 0:
        tap.check(False, "%s: %s" % (args[0], err.strip()))
        return None
    return json.loads(out)[0]


def judge(check, model, picture, slack):
    bound = check["within"] * slack
    if "norm" in check:
        record = answers("embed", "--raw", "--text", check["text"], "--json", "-m", model)
        name, got, want = "norm of \"%s\"" % check["text"], None, [check["norm"]]
        if record:
            got = [math.sqrt(math.fsum(x * x for x in record["embedding"]))]
    elif picture is None:
        tap.skip("%s: name the picture with PICTURE=FILE" % check["published"])
        return
    else:
        record = answers("classify", picture, *check["texts"], "--json", "-m", model)
        name, got, want = "scores of %s" % ", ".join(check["texts"]), None, check["scores"]
        if record:
            scores = {x["label"]: x["score"] for x in record["labels"]}
            got = [scores[t] for t in check["texts"]]
    if got:
        tap.check(max(abs(a - b) for a, b in zip(got, want)) <= bound,
                  "%s: %s, published %s, within %g (%s)" % (name, " ".join("%.8g" % x for x in got),
                                                            " ".join("%.8g" % x for x in want), bound, check["published"]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("picture", nargs="?")
    parser.add_argument("--figures", default="tests/real.json")
    args = parser.parse_args()
    info = answers("info", args.model, "--json")
    if info is None:
        tap.done()
    sources = re.findall(r"sha256 ([0-9a-f]{64})", tap.run("info", args.model)[1].decode())
    slack = 10 if "q8" in (info["vision"].get("dtype"), info["text"].get("dtype")) else 1
    known = [m for m in json.load(open(args.figures)) if fits(info, m["info"])]
    for m in known:
        sure = set(m["sources"]) & set(sources)
        print("# %s is %s, by its %s" % (args.model, m["model"], "source's SHA-256" if sure else
                                         "shape: other weights of that shape have other figures"))
        for check in m["checks"]:
            judge(check, args.model, args.picture, slack)
    if not known:
        tap.skip("%s: no published figures of a model of this shape are known here" % args.model)
    tap.done()


main()
