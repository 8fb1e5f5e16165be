"""Clients that others wrote, against `clipc serve`: curl, Python's requests, Node's fetch, and OpenAI's own npm
package against /v1/embeddings.  Each must have the vectors of `clipc embed`; each that is not here is skipped."""
import importlib.util
import json
import os
import shutil
import subprocess

import numpy as np

import serving
import tap

serving.wanted()
server = serving.Server()
url = "http://127.0.0.1:%d" % server.port
picture = os.path.abspath("tests/images/red-cross-5.png")
texts = ["a red cross", "a blue heart"]
tmp = serving.tmp
for name in [n for n in os.environ if n.lower() in ("http_proxy", "all_proxy")]:
    del os.environ[name]  # 127.0.0.1 is behind no proxy


def embed(*args):
    code, out, err = tap.run("embed", "--jsonl", "--raw", *args)
    assert code == 0, err
    return np.float32([json.loads(line)["embedding"] for line in out.splitlines()])


openai_rules = ("--preprocess", "openai", "--tokenizer", "openai")
image = embed(picture, *openai_rules)
raw = embed(*[a for t in texts for a in ("--text", t)], *openai_rules)
unit = embed(*[a for t in texts for a in ("--text", t)], picture).astype(np.float64)
unit /= np.linalg.norm(unit, axis=1, keepdims=True)


def run(command, seconds=120, **keywords):
    """What it printed; "" and the reason when it failed."""
    try:
        p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, **keywords)
        return p.stdout.decode() if p.returncode == 0 else "", p.stderr.decode()[-300:]
    except (OSError, subprocess.TimeoutExpired) as e:
        return "", str(e)


def same(answer, want):
    try:
        return np.array_equal(np.float32(json.loads(answer)["embeddings"]), want)
    except (ValueError, KeyError):
        return False


# ---- curl -----------------------------------------------------------------------------------------------------

if shutil.which("curl"):
    out, err = run(["curl", "-sS", "-d", json.dumps({"text": texts}), "-H", "Content-Type: application/json",
                    url + "/clip/embed_text"])
    tap.check(same(out, raw), "curl -d: texts %s" % err)
    out, err = run(["curl", "-sS", "--data-binary", "@" + picture, "-H", "Content-Type: image/png", url + "/clip/embed_image"])
    tap.check(same(out, image), "curl --data-binary: a picture %s" % err)
    with open(picture, "rb") as f:
        out, err = run(["curl", "-sS", "-T", "-", "-X", "POST", "-H", "Content-Type: image/png", "-H", "Expect: 100-continue",
                        url + "/clip/embed_image"], stdin=f)
    tap.check(same(out, image), "curl -T -: in chunks, after asking whether to go on %s" % err)
else:
    tap.skip("no curl")

# ---- Python's requests ---------------------------------------------------------------------------------------------

if importlib.util.find_spec("requests"):
    import base64

    import requests
    with requests.Session() as session:
        r = session.post(url + "/clip/embed_text", json={"text": texts})
        tap.check(r.status_code == 200 and same(r.text, raw), "requests: texts")
        body = {"image": {"type": "base64", "value": base64.b64encode(open(picture, "rb").read()).decode()}}
        r = session.post(url + "/clip/embed_image", json=body)
        tap.check(r.ok and same(r.text, image) and r.headers["X-Model-Id"] == "clip/demo", "requests: a picture in base64")
        with open(picture, "rb") as f:
            r = session.post(url + "/clip/embed_image", data=f, headers={"Content-Type": "image/png"})
        tap.check(r.ok and same(r.text, image), "requests: a file")
        r = session.post(url + "/clip/embed_text", json={"text": 5})
        tap.check(r.status_code == 422 and r.json()["detail"], "requests: a mistake is 422, and says what")
        r = session.post(url + "/v1/embeddings", json={"input": texts})
        tap.check(np.allclose([d["embedding"] for d in r.json()["data"]], unit[:2], atol=1e-6), "requests: /v1/embeddings")
else:
    tap.skip("no requests (apt-get install python3-requests)")

# ---- Node ----------------------------------------------------------------------------------------------------------------

fetch = """
const [url, picture, text] = process.argv.slice(2);
const ask = async (path, body, type) => {
  const r = await fetch(url + path, {method: 'POST', headers: {'Content-Type': type}, body});
  if (!r.ok) throw new Error(path + ': ' + r.status);
  return (await r.json()).embeddings;
};
const bytes = require('fs').readFileSync(picture);
Promise.all([ask('/clip/embed_text', text, 'application/json'), ask('/clip/embed_image', bytes, 'image/png'),
             ask('/clip/embed_image', new Blob([bytes]).stream ? new Blob([bytes]) : bytes, 'image/png')])
  .then(all => console.log(JSON.stringify(all)));
"""
openai = """
const OpenAI = require('openai');
const [url, texts] = process.argv.slice(2);
(async () => {
  const client = new (OpenAI.OpenAI ?? OpenAI)({baseURL: url + '/v1', apiKey: 'none', maxRetries: 0});
  const all = [];
  for (const format of [undefined, 'float', 'base64'])
    all.push((await client.embeddings.create({model: 'demo', input: JSON.parse(texts), encoding_format: format})).data
             .map(d => typeof d.embedding === 'string'
                  ? Array.from(new Float32Array(Uint8Array.from(Buffer.from(d.embedding, 'base64')).buffer)) : d.embedding));
  const models = [];
  for await (const m of client.models.list()) models.push(m.id);
  const wrong = await client.embeddings.create({model: 'no-such', input: 'a'}).catch(e => e);
  console.log(JSON.stringify({all, models, status: wrong.status, message: wrong.message}));
})();
"""
node = shutil.which("node")
if node and run([node, "-e", "process.exit(typeof fetch === 'function' ? 0 : 1)"])[1] == "":
    open(tmp + "/fetch.js", "w").write(fetch)
    out, err = run([node, tmp + "/fetch.js", url, picture, json.dumps({"text": texts})])
    got = json.loads(out) if out else [[], [], []]
    tap.check(np.array_equal(np.float32(got[0]), raw), "Node's fetch: texts %s" % err)
    tap.check(all(np.array_equal(np.float32(g), image) for g in got[1:]), "Node's fetch: a picture, and a Blob")
else:
    tap.skip("no Node with fetch (18 and newer)")
npm = shutil.which("npm")
if not node or not npm:
    tap.skip("OpenAI's client: no npm")
elif run([npm, "ping"], 20)[1].find("PONG") < 0:
    tap.skip("OpenAI's client: no registry answers")
elif not run([npm, "install", "--prefix", tmp, "--no-audit", "--no-fund", "--ignore-scripts", "openai"], 120)[0]:
    tap.skip("OpenAI's client: npm cannot install it")
else:
    open(tmp + "/openai.js", "w").write(openai)
    out, err = run([node, tmp + "/openai.js", url, json.dumps(texts)])
    got = json.loads(out) if out else {"all": [], "models": [], "status": 0, "message": err}
    tap.check(len(got["all"]) == 3 and all(np.allclose(g, unit[:2], atol=1e-6) for g in got["all"]),
              "OpenAI's client: embeddings as it asks for them, as floats, and in base64 %s" % err)
    tap.check(got["models"] == ["demo"], "OpenAI's client lists the models: %s" % got["models"])
    tap.check(got["status"] == 404 and "no-such" in got["message"], "and knows our errors: %s" % got["message"])
server.stop()
tap.done()
