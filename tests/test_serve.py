"""The server, by clients that are not ours: Roboflow's recorded requests (tests/serve/requests.json), Python's
http.client, curl, and raw sockets that misbehave.  Vectors are held against `clipc embed`."""
import base64
import concurrent.futures
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
import zlib

import numpy as np

import tap
from serving import Server, cosine, embed, noise, png, same, tmp, wanted

wanted()
rng = np.random.default_rng(1)
pictures = noise(1, [(40 + 7 * i, 64 - 3 * i) for i in range(9)])


def b64(i):
    return {"type": "base64", "value": base64.b64encode(pictures[i]).decode()}


images = embed(*["%s/%d.png" % (tmp, i) for i in range(9)])
texts = ["a red circle", "a blue star", "", "a green square"]
text_vectors = embed(*[a for t in texts for a in ("--text", t)])


# ---- Recorded requests --------------------------------------------------------------------------------

demo = os.path.abspath("weights/demo.clipc")
names = ["ViT-B-16", "ViT-B-32", "RN50", "ViT-L-14-336px"]
server = Server(*[a for n in names for a in ("-m", n + "=" + demo)])
if not tap.check(server.port is not None, "it says where it serves: " + server.text.strip()):
    tap.done()
wrong = []
for r in json.load(open("tests/serve/requests.json")):
    status, headers, data = server.ask(r["method"], r["path"], r["body"] or None, r["headers"])
    value = json.loads(data)
    good = status == r["status"] and list(value) == r["keys"] and "content-length" in headers
    if "embeddings" in r:
        good = good and [len(v) for v in value["embeddings"]] == [len(images[0])] * r["embeddings"]
    if "similarity" in r:
        s = value["similarity"]
        good = good and (list(s) if isinstance(s, dict) else len(s)) == r["similarity"]
    if not good:
        wrong.append((r["call"], status, data[:200]))
tap.check(not wrong, "all recorded requests of Roboflow's own client are answered in its shape %s" % wrong[:3])
status, headers, data = server.ask("POST", "/clip/embed_text", {"text": "a red circle"}, {"X-Request-ID": "req-42"})
tap.check(headers["x-request-id"] == "req-42" and headers["x-model-id"] == "clip/ViT-B-16" and
          headers["content-type"] == "application/json" and data.startswith(b'{"inference_id":null,"frame_id":null,"time":'),
          "headers, and JSON without blanks, as recorded: %s" % data[:60])
tap.check(server.post("/clip/embed_text", {"text": "a red circle", "clip_version_id": "ViT-B/32"})[0] == 200,
          "ViT-B/32 is ViT-B-32")
tap.check(server.post("/clip/embed_text", {"text": "a", "clip_version_id": "ViT-Z-99"}) ==
          (404, {"message": "Requested Roboflow resource not found. Make sure that workspace, project or model you "
                            "referred in request exists."}), "an unknown version is 404 with the recorded sentence")

# ---- Vectors --------------------------------------------------------------------------------------------

got = server.post("/clip/embed_image", {"image": [b64(i) for i in range(8)]})[1]["embeddings"]
tap.check(same(got, images[:8]), "eight images, eight vectors: those of clipc embed, bit for bit")
got = server.post("/clip/embed_image", {"image": b64(3)})[1]["embeddings"]
tap.check(same(got, [images[3]]), "one image is a list of one vector")
status, _, data = server.ask("POST", "/clip/embed_image", pictures[4], {"Content-Type": "image/png"})
tap.check(status == 200 and same(json.loads(data)["embeddings"], [images[4]]), "a picture as the whole body")
for round_ in ("first", "remembered"):
    got = server.post("/clip/embed_text", {"text": texts})[1]["embeddings"]
    tap.check(same(got, text_vectors), "texts, %s: those of clipc embed, bit for bit" % round_)
got = server.post("/clip/compare", {"subject": b64(0), "prompt": {"z": texts[0], "a": texts[1]}})[1]["similarity"]
want = {"z": cosine(images[0], text_vectors[0]), "a": cosine(images[0], text_vectors[1])}
tap.check(list(got) == ["z", "a"] and all(abs(got[k] - want[k]) < 1e-6 for k in want),
          "compare: plain cosines, in the order of the request: %s" % got)
got = server.post("/clip/compare", {"subject": texts[0], "subject_type": "text", "prompt_type": "image",
                                    "prompt": [b64(1), b64(2)]})[1]["similarity"]
tap.check(np.allclose(got, [cosine(text_vectors[0], images[i]) for i in (1, 2)], atol=1e-6), "text against images")
numbers = json.loads(data, parse_float=str)["embeddings"][0]
tap.check(all(x == repr(float(x)) or float(x) == float(repr(float(x))) and len(x) <= len(repr(float(x))) + 1
              for x in numbers), "numbers are the shortest that give the double back: %s" % numbers[:2])

# ---- Mistakes of clients ----------------------------------------------------------------------------------

CAUSE = "Could not load input image. Cause: "
table = [
    ("/clip/embed_text", {}, 422, "missing"), ("/clip/embed_text", {"text": None}, 422, "list_type"),
    ("/clip/embed_text", {"text": 5}, 422, "list_type"), ("/clip/embed_text", {"text": ["a", 5]}, 422, "string_type"),
    ("/clip/embed_text", [1], 422, "model_attributes_type"), ("/clip/embed_text", '"x"', 422, "model_attributes_type"),
    ("/clip/embed_text", "{nope", 422, "json_invalid"), ("/clip/embed_text", '{"text":"a"} x', 422, "Extra data"),
    ("/clip/embed_text", "", 422, "missing"), ("/clip/embed_text", b'{"text":"\xff"}', 400, "error parsing the body"),
    ("/clip/embed_text", '{"text":"a","text":["b","c"]}', 200, "embeddings"),
    ("/clip/embed_text", '{"text":"a","start":NaN}', 200, "embeddings"),
    ("/clip/embed_text", '{"text":"\\ud83d"}', 200, "embeddings"),
    ("/clip/embed_text", '{"text":"a\\u0000b"}', 200, "embeddings"),
    ("/clip/embed_text", {"text": []}, 400, "At least one text is required"),
    ("/clip/embed_text", {"text": "circle " * 500}, 400, "tokens"),
    ("/clip/embed_text", {"text": "a", "api_key": 5}, 422, "api_key"),
    ("/clip/embed_text", {"text": "a", "clip_version_id": 16}, 422, "clip_version_id"),
    ("/clip/embed_image", {"api_key": "k"}, 422, "missing"), ("/clip/embed_image", {"image": None}, 422, "model_type"),
    ("/clip/embed_image", {"image": {"value": "x"}}, 422, "missing"),
    ("/clip/embed_image", {"image": {"type": 1, "value": "x"}}, 422, "string_type"),
    ("/clip/embed_image", {"image": []}, 400, "At least one image is required"),
    ("/clip/embed_image", {"image": [b64(0)] * 9}, 400, "at once is 8"),
    ("/clip/embed_image", {"image": {"type": "jpeg", "value": "x"}}, 400, "not recognised image type"),
    ("/clip/embed_image", {"image": {"type": "base64", "value": "!!!not base64!!!"}}, 400, "Malformed base64"),
    ("/clip/embed_image", {"image": {"type": "base64", "value": ""}}, 400, "Empty image payload"),
    ("/clip/embed_image", {"image": {"type": "base64"}}, 400, CAUSE),
    ("/clip/embed_image", {"image": {"type": "base64", "value": 12345}}, 400, CAUSE),
    ("/clip/embed_image", {"image": {"type": "base64", "value": b64(0)["value"][:-1]}}, 400, "Malformed base64"),
    ("/clip/embed_image", {"image": {"type": "base64", "value": b64(0)["value"][:60]}}, 400, "Malformed base64"),
    ("/clip/embed_image", {"image": {"type": "base64", "value": b64(0)["value"].replace("A", "A\n")}}, 200, "embeddings"),
    ("/clip/embed_image", {"image": {"type": "BASE64", "value": b64(0)["value"]}}, 200, "embeddings"),
    ("/clip/embed_image", {"image": {"type": "base64", "value": "data:image/png;base64," + b64(0)["value"]}}, 200, "emb"),
    ("/clip/embed_image", {"image": {"type": "numpy", "value": b64(0)["value"]}}, 400, "NumPy"),
    ("/clip/embed_image", {"image": {"type": "file", "value": "/etc/passwd"}}, 400, "--allow-file"),
    ("/clip/embed_image", {"image": {"type": "url", "value": "http://127.0.0.1/"}}, 400, "URL"),
    ("/clip/embed_image", {"image": {"type": "pil", "value": "x"}}, 400, CAUSE),
    ("/clip/embed_image", {"image": [b64(0), {"type": "base64", "value": "xx"}]}, 400, "Malformed base64"),
    ("/clip/compare", {}, 422, "prompt"), ("/clip/compare", {"subject": [b64(0)], "prompt": "a"}, 422, "subject"),
    ("/clip/compare", {"subject": b64(0), "prompt": []}, 400, "At least one prompt"),
    ("/clip/compare", {"subject": b64(0), "prompt": {}}, 400, "At least one prompt"),
    ("/clip/compare", {"subject": b64(0), "prompt": ["p"] * 9}, 400, "at once is 8"),
    ("/clip/compare", {"subject": b64(0), "prompt": "a", "subject_type": "audio"}, 400, "subject_type must be either"),
    ("/clip/compare", {"subject": b64(0), "prompt": "a", "prompt_type": ["text"]}, 422, "prompt_type"),
    ("/clip/compare", {"subject": b64(0), "prompt": b64(1)}, 400, "prompt_type says 'text'"),
    ("/clip/compare", {"subject": "a dog", "prompt": "a dog"}, 400, CAUSE),
    ("/clip/compare", {"subject": b64(0)["value"], "prompt": "a dog"}, 200, "similarity"),
    ("/model/add", {}, 422, "model_id"), ("/model/add", {"model_id": "clip/ViT-Z-99"}, 404, "not found"),
    ("/nope/nope", {}, 405, "Method Not Allowed"), ("/clip/embed_text/", {}, 405, "Method Not Allowed"),
    ("/info", {}, 405, "Method Not Allowed"),
]
wrong = []
for path, body, want, word in table:
    status, _, data = server.ask("POST", path, body)
    if status != want or word.encode() not in data:
        wrong.append((path, str(body)[:80], status, data[:160]))
tap.check(not wrong, "%d mistakes: status and sentence %s" % (len(table), wrong[:4]))
for kind in ("text/plain", "application/x-www-form-urlencoded"):
    tap.check(server.post("/clip/embed_text", {"text": "a"}, headers={"Content-Type": kind})[0] == 422, kind + " is no JSON")
for kind in ("application/json; charset=utf-8", "application/vnd.x+json"):
    tap.check(server.post("/clip/embed_text", {"text": "a"}, headers={"Content-Type": kind})[0] == 200, kind + " is JSON")
tap.check(server.post("/clip/embed_text", {"text": "a"}, json_type=False)[0] == 200, "so is none")
tap.check(server.ask("GET", "/nope")[0] == 404, "an unknown page is 404")
huge = "[" * 100000
tap.check(server.ask("POST", "/clip/embed_text", huge)[0] == 422, "brackets 100,000 deep are refused")
many = "{" + ",".join('"k%d":%d' % (i, i) for i in range(1000000)) + "}"
begun = time.time()
status, _, data = server.ask("POST", "/clip/embed_text", many)
tap.check(status == 422 and len(data) < 4000, "a million keys: %d bytes of complaint" % len(data))

# ---- Side routes -------------------------------------------------------------------------------------------

tap.check(json.loads(server.ask("GET", "/healthz")[2]) == {"status": "healthy"} and
          json.loads(server.ask("GET", "/readiness")[2]) == {"status": "ready"}, "/healthz, /readiness")
tap.check(json.loads(server.ask("GET", "/clear_cache")[2]) == "Cache Cleared", "/clear_cache")
tap.check(server.ask("HEAD", "/healthz")[0] == 200 and server.ask("HEAD", "/healthz")[2] == b"", "HEAD has no body")


def loaded():
    return [m["model_id"] for m in json.loads(server.ask("GET", "/model/registry")[2])["models"]]


server.ask("POST", "/model/clear")
empty = loaded()
server.post("/model/add", {"model_id": "clip/RN50"})
one = loaded()
server.ask("GET", "/start/clip/ViT-B-32")
tap.check((empty, one, loaded()) == ([], ["clip/RN50"], ["clip/ViT-B-32", "clip/RN50"]), "models come and go: %s" % one)
server.post("/model/remove", {"model_id": "clip/RN50"})
tap.check(loaded() == ["clip/ViT-B-32"], "/model/remove")
with concurrent.futures.ThreadPoolExecutor(6) as pool:
    flying = [pool.submit(server.post, "/clip/embed_image", {"image": [b64(j % 9) for j in range(i, i + 4)]}) for i in range(40)]
    cleared = 0
    while not all(f.done() for f in flying):
        cleared += server.ask("POST", "/model/clear")[0] == 200
wrong = [f.result() for i, f in enumerate(flying)
         if f.result()[0] != 200 or not same(f.result()[1]["embeddings"], [images[j % 9] for j in range(i, i + 4)])]
tap.check(cleared > 0 and not wrong, "a model cleared %d times under 40 requests: each ends with it %s" % (cleared, wrong[:1]))
server.ask("GET", "/start/clip/ViT-B-32")  # the last clearing may have come after the last request
figures = server.ask("GET", "/metrics")[2].decode()
names_seen = {line.split("{")[0].split()[0] for line in figures.splitlines() if not line.startswith("#")}
tap.check({"http_requests_total", "http_request_duration_seconds_bucket", "clipc_batch_items_bucket",
           "clipc_requests_waiting"} <= names_seen and 'status="4xx"' in figures, "/metrics: %d names" % len(names_seen))
tap.check(server.stop() == 0, "SIGTERM ends it with 0")

# ---- One model, and none named --------------------------------------------------------------------------------

server = Server("--max-body", "1", "--deadline", "2", "--queue", "2", "--batch", "2", "--cors", "https://a.example",
                CLIPC_SERVE_MAX_ITEMS="20")
status, headers, _ = server.ask("POST", "/clip/embed_text", {"text": "a", "clip_version_id": None})
tap.check(status == 200 and headers["x-model-id"] == "clip/demo", "with only the embedded model, a null version is it: "
          + headers.get("x-model-id", ""))
tap.check(server.post("/clip/embed_text", {"text": "a", "clip_version_id": "ViT-B-16"})[0] == 200, "so is ViT-B-16")
tap.check(server.post("/clip/embed_text", {"text": "a", "clip_version_id": "RN50"})[0] == 404, "others are 404")
tap.check(server.post("/clip/embed_image", {"image": [b64(0)] * 9})[0] == 200, "CLIPC_SERVE_MAX_ITEMS=20: nine images at once")
_, headers, _ = server.ask("POST", "/clip/embed_text", {"text": "a"}, {"Origin": "https://a.example"})
_, other, _ = server.ask("POST", "/clip/embed_text", {"text": "a"}, {"Origin": "https://b.example"})
status, flight, _ = server.ask("OPTIONS", "/clip/embed_text", None, {"Origin": "https://a.example",
                                                                     "Access-Control-Request-Headers": "content-type"})
tap.check(headers.get("access-control-allow-origin") == "https://a.example" and "access-control-allow-origin" not in other
          and status == 200 and flight.get("access-control-allow-headers") == "content-type", "--cors: that origin only")

# ---- OpenAI's API, TEI's, and classify ------------------------------------------------------------------------

unit = [np.float32(v) / np.linalg.norm(np.float64(v)) for v in
        (json.loads(x)["embedding"] for x in tap.run("embed", "--jsonl", "--raw", "--text", texts[0], "--text", texts[1],
                                                     tmp + "/0.png")[1].splitlines())]
status, got = server.post("/v1/embeddings", {"model": "demo", "input": texts[:2]})
tap.check(status == 200 and list(got) == ["object", "data", "model", "usage"] and
          np.allclose([d["embedding"] for d in got["data"]], unit[:2], atol=1e-6) and
          [d["index"] for d in got["data"]] == [0, 1] and got["usage"]["prompt_tokens"] > 4, "/v1/embeddings: length 1, in order")
_, as64 = server.post("/v1/embeddings", {"input": texts[0], "encoding_format": "base64"})
tap.check(np.allclose(np.frombuffer(base64.b64decode(as64["data"][0]["embedding"]), "<f4"), unit[0], atol=1e-6), "in base64")
uri = "data:image/png;base64," + b64(0)["value"]
for what, value, more in (("a data URI", uri, {}), ("{image}", {"image": uri}, {}), ("modality", [uri], {"modality": "image"})):
    got = server.post("/v1/embeddings", dict({"input": value}, **more))[1]
    tap.check(np.allclose(got["data"][0]["embedding"], unit[2], atol=1e-6), "an image as " + what)
got = server.post("/v1/embeddings", {"input": [{"text": texts[0]}, {"image": uri}, texts[1]]})[1]
tap.check(np.allclose([d["embedding"] for d in got["data"]], [unit[0], unit[2], unit[1]], atol=1e-6), "mixed, in order")
ids = json.loads(tap.run("tokenize", "--json", texts[0])[1])[0]
for what, value in (("token ids", ids), ("without start and end", ids[1:-1]), ("in a list", [ids, ids])):
    got = server.post("/v1/embeddings", {"input": value})[1]
    tap.check(np.allclose([d["embedding"] for d in got["data"]], [unit[0]] * len(got["data"]), atol=1e-6), what)
for what, body, want in (("model", {"input": "a", "model": "gpt"}, 404), ("dimensions", {"input": "a", "dimensions": 3}, 400),
                         ("no input", {}, 400), ("an empty list", {"input": []}, 400), ("null", {"input": [None]}, 400),
                         ("format", {"input": "a", "encoding_format": "hex"}, 400), ("big ids", {"input": [10**9]}, 400),
                         ("many", {"input": ["a"] * 3000}, 400), ("no JSON", "{", 400)):
    status, got = server.post("/v1/embeddings", body)
    tap.check(status == want and got["error"]["message"], "%s: %d %s" % (what, status, got.get("error", {}).get("message")))
tap.check(json.loads(server.ask("GET", "/v1/models")[2])["data"][0]["id"] == "demo", "/v1/models lists demo")
tap.check(np.allclose(server.post("/embed", {"inputs": texts[:2]})[1], unit[:2], atol=1e-6), "TEI's /embed")
tap.check(server.post("/embed", {"inputs": "circle " * 500})[0] == 400 and
          server.post("/embed", {"inputs": "circle " * 500, "truncate": True})[0] == 200, "truncate")
for i, order in enumerate((("openai", "hf"), ("hf", "openai"))):
    text = "a red &amp; blue circle %d" % i  # read in another way by each of the rules
    want = {rules: json.loads(tap.run("embed", "--jsonl", "--tokenizer", rules, "--text", text)[1])["embedding"]
            for rules in order}
    for rules in order:
        raw = (server.post("/clip/embed_text", {"text": text})[1]["embeddings"][0] if rules == "openai" else
               server.post("/embed", {"inputs": text})[1][0])
        tap.check(want["openai"] != want["hf"] and np.allclose(np.array(raw) / np.linalg.norm(raw), want[rules], atol=1e-6),
                  "a text remembered by one door's rules is not another's: %s after %s" % (rules, order[0]))
got = server.post("/similarity", {"inputs": {"source_sentence": texts[0], "sentences": texts[:2]}})[1]
tap.check(np.allclose(got, [1, cosine(unit[0], unit[1])], atol=1e-6), "TEI's /similarity: %s" % got)
labels = ["a red circle", "a blue star", "a green square"]
got = server.post("/v1/classify", {"images": [uri, uri], "labels": labels})[1]["results"]
want = json.loads(tap.run("classify", tmp + "/0.png", *labels, "--json")[1])[0]["labels"]
tap.check(len(got) == 2 and [r["label"] for r in got[0]] == [r["label"] for r in want] and
          np.allclose([[r["score"], r["cosine"]] for r in got[1]], [[r["score"], r["cosine"]] for r in want], atol=1e-5),
          "/v1/classify: what clipc classify says")

# ---- Clients that mean no good --------------------------------------------------------------------------------

post = b"POST /clip/embed_text HTTP/1.1\r\nHost: a\r\n"
for name, head in (("two lengths", b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
                   ("length and chunks", b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                   ("two hosts", b"Host: b\r\nContent-Length: 2\r\n\r\n{}"),
                   ("a length of letters", b"Content-Length: 2x\r\n\r\n{}")):
    got = server.raw(post + head)
    tap.check(got.startswith(b"HTTP/1.1 400") and b"200 OK" not in got, name + " in one head: 400")
tap.check(server.raw(b"GET /healthz HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400"), "no Host: 400")
tap.check(b" 413 " in server.raw(post + b"Content-Length: 3000000\r\nConnection: close\r\n\r\n")[:20], "a body too large "
          "is refused before it comes")
chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
got = server.raw(post + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk * 20 + b"0\r\n\r\n")
tap.check(b" 413 " in got[:20], "so are chunks that are too many: " + repr(got[:20]))
before = server.memory()
got = server.raw(post + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2000)
tap.check(server.memory() - before < 30, "chunks without end take no memory: %.0f MB more" % (server.memory() - before))
tap.check(b" 431 " in server.raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70000 + b"\r\n\r\n")[:20],
          "a head of 70 KB: 431")
slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
for s in slow[:10]:
    s.sendall(b"POST /clip/embed_text HTTP/1.1\r\nHost:")
for s in slow[10:]:
    s.sendall(post + b"Content-Length: 100\r\n\r\n{")
begun = time.time()
ended = 0
for s in slow:
    s.settimeout(1)
while time.time() - begun < 15 and slow:
    for s in list(slow):
        try:
            s.sendall(b"x")
            s.settimeout(0.02)
            if s.recv(100) == b"":
                raise ConnectionError
        except socket.timeout:
            continue
        except OSError:
            slow.remove(s)
            ended += 1
tap.check(ended == 20, "%d of 20 clients that send a byte now and then are cut after their 2 seconds" % ended)
tap.check(server.ask("GET", "/healthz")[0] == 200, "and the others are served")
for garbage in (b"\0" * 1000, b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00" + os.urandom(200), b"A" * 100000):
    server.raw(garbage, timeout=3)
tap.check(server.ask("GET", "/healthz")[0] == 200, "garbage ends nobody but its sender")
bomb = png(30000, 30000, b"\0" * 100)
tap.check(server.ask("POST", "/clip/embed_image", bomb, {"Content-Type": "image/png"})[0] == 400, "a picture of 900 "
          "million pixels is refused")


def one(i):
    status, _, data = server.ask("POST", "/clip/embed_image", {"image": b64(i % 9)})
    return status, status != 200 or same(json.loads(data)["embeddings"], [images[i % 9]])


with concurrent.futures.ThreadPoolExecutor(40) as pool:
    got = list(pool.map(one, range(400)))
seen = {s for s, _ in got}
tap.check(seen <= {200, 503} and 200 in seen and all(right for _, right in got),
          "40 clients on a queue of 2: only 200 and 503, and every vector its own: %s"
          % {s: sum(1 for t, _ in got if t == s) for s in seen})
figures = server.ask("GET", "/metrics")[2].decode()
batches = [float(line.split()[-1]) for line in figures.splitlines() if line.startswith("clipc_batches_total")][0]
encoded = sum(float(line.split()[-1]) for line in figures.splitlines()
              if line.startswith(("clipc_images_total", "clipc_texts_total")))
for name in ("clipc_batch_items", "clipc_vector_seconds", "http_request_duration_seconds"):
    lines = [line.rsplit(" ", 1) for line in figures.splitlines() if line.startswith(name)]
    buckets = [float(value) for what, value in lines if "_bucket{" in what]
    total = [float(value) for what, value in lines if what.startswith(name + "_count")][0]
    tap.check(0 < max(buckets[:-1]) and buckets == sorted(buckets) and buckets[-1] == total,
              "%s counts what is below each bound: %s of %d" % (name, buckets, total))
tap.check(batches < encoded, "images and texts went in %d batches of %.2f" % (batches, encoded / batches))

# ---- Files of the server's disk, and pictures with more than colours ------------------------------------------

files = Server("--allow-file", tmp)
os.mkfifo(tmp + "/fifo")
got = files.post("/clip/embed_image", {"image": {"type": "file", "value": tmp + "/2.png"}})[1]
tap.check(same(got.get("embeddings"), [images[2]]), "--allow-file: a file by its name")
for name in (tmp + "/fifo", tmp, "/dev/zero", tmp + "/none", "-", ""):
    status, got = files.post("/clip/embed_image", {"image": {"type": "file", "value": name}})
    tap.check(status == 400, "a file that is none, %s: %s" % (os.path.basename(name), got["message"]))


def chunked(kind, depth, data, w, h):
    body = png(w, h, data)
    head = struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, 0)
    return body[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + body[33:]


colours, alpha = rng.integers(0, 256, (50, 60, 3), np.uint8), rng.integers(0, 256, (50, 60, 1), np.uint8)
gray = rng.integers(0, 65536, (50, 60), np.uint16)
plain = png(60, 50, b"".join(b"\0" + r.tobytes() for r in colours))
clear = chunked(6, 8, b"".join(b"\0" + r.tobytes() for r in np.concatenate((colours, alpha), 2)), 60, 50)
deep = chunked(0, 16, b"".join(b"\0" + r.astype(">u2").tobytes() for r in gray), 60, 50)
flat = png(60, 50, b"".join(b"\0" + r.tobytes() for r in np.repeat((gray >> 8).astype(np.uint8)[:, :, None], 3, 2)))


def vector(data):
    return json.loads(files.ask("POST", "/clip/embed_image", data, {"Content-Type": "image/png"})[2])["embeddings"]


tap.check(same(vector(clear), vector(plain)), "alpha is dropped before anything else, as cv2.imread does")
tap.check(same(vector(deep), vector(flat)), "of 16 bits the high byte counts")
files.stop()

# ---- The end, and wrong starts --------------------------------------------------------------------------------

with concurrent.futures.ThreadPoolExecutor(4) as pool:
    flying = [pool.submit(one, i) for i in range(4)]
    time.sleep(0.02)
    ended = server.stop()
    results = []
    for f in flying:
        try:
            results.append(f.result()[0])
        except (OSError, http.client.HTTPException):
            results.append("refused")
tap.check(ended == 0 and set(results) <= {200, 503, "refused"}, "SIGTERM under load: %s" % results)
for args, word in ((("-m", "a.clipc"), "NAME=FILE"), (("-m", "a=" + tmp + "/none"), "No such file"),
                   (("--default", "x"), "no model 'x'"), (("--log", "loud"), "none, text or json"),
                   (("--port", "70000"), "65535"), (("--no-auth", "--host", "no.such.host.invalid"), "cannot listen"),
                   (("model.clipc",), "-m NAME=FILE")):
    code, out, err = tap.run("serve", "--port", "0", *args) if "--port" not in args else tap.run("serve", *args)
    tap.check(code in (1, 2) and word in err and out == b"", "serve %s: %s" % (" ".join(args), err.strip()))
open(tmp + "/keys", "w").write("# ours\nfirst-key\n\nsecond-key \n")
server = Server("--api-key-file", tmp + "/keys")
ways = [("none", "/clip/embed_text", {"text": "a"}, {}, 401), ("query", "/clip/embed_text?api_key=first-key", {"text": "a"}, {}, 200),
        ("bearer", "/clip/embed_text", {"text": "a"}, {"Authorization": "Bearer second-key"}, 200),
        ("body", "/clip/embed_text", {"text": "a", "api_key": "first-key"}, {}, 200),
        ("wrong", "/clip/embed_text", {"text": "a", "api_key": "first-ke"}, {}, 401),
        ("comment", "/clip/embed_text?api_key=%23%20ours", {"text": "a"}, {}, 401)]
for what, path, body, headers, want in ways:
    tap.check(server.ask("POST", path, body, headers)[0] == want, "a key by %s: %d" % (what, want))
status, got = server.post("/v1/embeddings", {"input": "a"})
tap.check(status == 401 and "API key" in got["error"]["message"], "OpenAI's clients are told in their own shape: %s" % got)
tap.check(server.ask("GET", "/healthz")[0] == 200 and server.ask("GET", "/metrics")[0] == 401, "health needs no key, metrics do")
open(tmp + "/keys", "w").write("third-key\n")
server.process.send_signal(signal.SIGHUP)
for _ in range(100):
    if server.ask("POST", "/clip/embed_text?api_key=third-key", {"text": "a"})[0] == 200:
        break
    time.sleep(0.05)
tap.check(server.ask("POST", "/clip/embed_text?api_key=third-key", {"text": "a"})[0] == 200 and
          server.ask("POST", "/clip/embed_text?api_key=first-key", {"text": "a"})[0] == 401, "SIGHUP reads the keys again")
open(tmp + "/keys", "w").write("\n")
server.process.send_signal(signal.SIGHUP)
time.sleep(0.3)
tap.check(server.ask("POST", "/clip/embed_text?api_key=third-key", {"text": "a"})[0] == 200, "an empty file changes nothing")
server.stop()
first = Server()
code, _, err = tap.run("serve", "--port", first.port)
tap.check(code == 1 and "in use" in err, "a second server on the same port does not start: " + err.strip())
first.stop()
code, _, err = tap.run("serve", "--host", "0.0.0.0", "--port", "0")
tap.check(code == 1 and "--no-auth" in err, "all addresses without keys: " + err.strip())
if shutil.which("curl"):
    server = Server("--log", "json")
    got = subprocess.run(["curl", "-s", "--json", '{"text": "a red circle"}',
                          "http://127.0.0.1:%d/clip/embed_text" % server.port], stdout=subprocess.PIPE).stdout
    tap.check(same(json.loads(got)["embeddings"], text_vectors[:1]), "curl --json")
    server.stop()
    server.log.seek(0)
    line = [json.loads(x) for x in server.log.read().decode().splitlines() if x.startswith("{")][-1]
    tap.check(line["path"] == "/clip/embed_text" and line["status"] == 200, "--log json: %s" % line)
else:
    tap.skip("no curl")
tap.done()
