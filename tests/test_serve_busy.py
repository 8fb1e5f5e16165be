"""All routes of `clipc serve` at once and without a pause, beside clients that give up, while its model's file is
replaced and SIGHUP sent: every answer is 200, and soon they are the new model's.  `make test-tsan` runs this too: a
data race ends the server with another status than 0."""
import base64
import http.client
import json
import os
import shutil
import signal
import socket
import threading
import time

import serving
import tap

serving.wanted()
tmp = serving.tmp
model = tmp + "/model.clipc"
shutil.copy("weights/demo.clipc", model)
tap.byte_vocabulary(tmp + "/vocabulary")
code, _, err = tap.run("convert", "tests/golden/mini", "--vocab", tmp + "/vocabulary", "-o", tmp + "/other.clipc")
if code != 0:
    tap.skip("no second model: " + err.strip())
    tap.done()
server = serving.Server("-m", "m=" + model, "--batch", "4", "--cache", "3")
bytes_ = open("tests/images/red-cross-5.png", "rb").read()
uri = "data:image/png;base64," + base64.b64encode(bytes_).decode()
image = {"type": "base64", "value": uri}
JSON, PNG = "application/json", "image/png"
calls = [("POST", "/clip/embed_image", {"image": [image, image]}, JSON), ("POST", "/clip/embed_image", bytes_, PNG),
         ("POST", "/clip/embed_text", {"text": ["a", "b"]}, JSON), ("POST", "/clip/embed_text", {"text": "c d e"}, JSON),
         ("POST", "/clip/compare", {"subject": image, "prompt": {"x": "a", "y": "b"}}, JSON),
         ("POST", "/v1/embeddings", {"input": ["a", {"image": uri}, "f"]}, JSON),
         ("POST", "/v1/classify", {"image": uri, "labels": ["a", "b", "c"], "templates": ["a {}", "b {}"]}, JSON),
         ("POST", "/embed", {"inputs": ["a", "g"]}, JSON), ("GET", "/metrics", None, JSON), ("GET", "/info", None, JSON),
         ("POST", "/similarity", {"inputs": {"source_sentence": "a", "sentences": ["b", "a"]}}, JSON),
         ("GET", "/model/registry", None, JSON), ("GET", "/v1/models", None, JSON), ("GET", "/healthz", None, JSON),
         ("GET", "/start/clip/m", None, JSON), ("POST", "/model/add", {"model_id": "clip/m"}, JSON),
         ("GET", "/clear_cache", None, JSON), ("POST", "/model/remove", {"model_id": "m"}, JSON), ("GET", "/", None, JSON)]
wrong, dims, answers, ends = [], [], [0] * 8, threading.Event()


def ask(k):
    """Calls all routes in turn, beginning at another one than the other threads."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    i = 3 * k
    while not ends.is_set():
        method, path, body, kind = calls[i % len(calls)]
        i += 1
        data = body if isinstance(body, bytes) or body is None else json.dumps(body)
        try:
            connection.request(method, path, data, {"Content-Type": kind})
            r = connection.getresponse()
            got = r.read()
            if r.status != 200:
                wrong.append((path, r.status, got[:200]))
            elif kind == PNG:
                dims.append(len(json.loads(got)["embeddings"][0]))
        except (OSError, http.client.HTTPException) as e:
            wrong.append((path, repr(e)))
            connection.close()
        answers[k] += 1


def give_up():
    """Sends whole and half requests, and goes."""
    body = json.dumps({"image": image}).encode()
    data = b"POST /clip/embed_image HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    n = 0
    while not ends.is_set():
        n += 1
        with socket.create_connection(("127.0.0.1", server.port)) as s:
            s.sendall(data if n % 2 else data[:-10])
            time.sleep(0.01 * (n % 3))


def wait_for(what, seconds):
    until = time.time() + seconds
    while time.time() < until and not what() and server.process.poll() is None:
        time.sleep(0.05)


threads = [threading.Thread(target=ask, args=(k,)) for k in range(len(answers))] + [threading.Thread(target=give_up)]
for t in threads:
    t.start()
wait_for(lambda: min(answers) >= 20 and dims, 200)
first = set(dims)
os.replace(tmp + "/other.clipc", model)
server.process.send_signal(signal.SIGHUP)
wait_for(lambda: set(dims[-3:]) - first, 200)
before = sum(answers)
wait_for(lambda: sum(answers) >= before + 100, 200)  # the old model's, which were being computed, have come
last = set(dims[-3:])
ends.set()
for t in threads:
    t.join()
tap.check(not wrong, "%d answers to %d calls at once, all 200 %s" % (sum(answers), len(answers), wrong[:3]))
tap.check(len(first) == 1 and last and not last & first, "SIGHUP under constant load: vectors of %s, then of %s numbers"
          % (first, last))
status = server.stop()
server.log.seek(0)
tap.check(status == 0, "clients that gave up did no harm: it ends with %d %s" % (
    status, server.log.read().decode().partition("WARNING: ")[2][:3000].replace("\n", "\n# ")))
tap.done()
