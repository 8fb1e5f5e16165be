"""Two `clipc serve` behind a real HAProxy, and behind nginx, by the files that tools/server/ offers (only addresses
changed).  Under load one server is killed, another is asked to end: every client has its vector.  The same without
the lines that repeat requests loses some, or this test would show nothing."""
import concurrent.futures
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import numpy as np
from PIL import Image

import serving
import tap

tmp = serving.tmp
serving.wanted()


def free_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return port


def haproxy(text, name):
    path = "%s/%s.cfg" % (tmp, name)
    open(path, "w").write(text)
    return ["haproxy", "-db", "-f", path]


def nginx(text, name):
    """conf.d's file within the least that nginx wants around it."""
    path = "%s/%s.conf" % (tmp, name)
    open(path, "w").write("daemon off; error_log stderr; pid %s/%s.pid;\nevents {}\nhttp {\naccess_log off;\n"
                          "client_body_temp_path %s/body; proxy_temp_path %s/proxy;\nfastcgi_temp_path %s/f; "
                          "uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n%s}\n" % ((tmp, name) + (tmp,) * 5 + (text,)))
    return ["nginx", "-c", path, "-p", tmp]


def picture():
    """Large enough that a server is always at work on some when it dies, small enough to be repeated."""
    f = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)).resize((1200, 1200)).save(f, "JPEG")
    return f.getvalue()


class Load:
    """Clients that ask until they are told to stop: what each answer was."""

    def __init__(self, port, body, want, clients=16):
        self.port, self.body, self.want = port, body, want
        self.answers, self.ends = [], threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(clients)
        self.clients = [self.pool.submit(self.ask) for _ in range(clients)]

    def ask(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.ends.is_set():
            try:
                c.request("POST", "/clip/embed_image", self.body, {"Content-Type": "image/jpeg"})
                r = c.getresponse()
                data = r.read()
                right = r.status != 200 or json.loads(data)["embeddings"] == self.want
                self.answers.append(r.status if right else "another vector")
            except (OSError, http.client.HTTPException) as e:
                self.answers.append(type(e).__name__)
                c.close()

    def stop(self):
        self.ends.set()
        for c in self.clients:
            c.result()
        self.pool.shutdown()
        return {s: self.answers.count(s) for s in set(self.answers)}


def wait_for(what, seconds=60):
    ends = time.time() + seconds
    while time.time() < ends and not what():
        time.sleep(0.05)


def healthy(port):
    try:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        c.request("GET", "/healthz")
        return c.getresponse().status == 200
    except OSError:
        return False


def images(server):
    found = re.search(r"clipc_images_total{.*} (\S+)", server.ask("GET", "/metrics")[2].decode())
    return float(found.group(1)) if found else 0


def trial(start, text, name, body, want):
    """One server killed, started again; the other ended: (answers, exit code of the one that ended)."""
    ports = [free_port(), free_port()]
    front = free_port()
    for old, new in (("127.0.0.1:9001", "127.0.0.1:%d" % ports[0]), ("127.0.0.1:9002", "127.0.0.1:%d" % ports[1]),
                     ("bind :8080", "bind 127.0.0.1:%d" % front), ("listen 8080", "listen 127.0.0.1:%d" % front)):
        text = text.replace(old, new)
    servers = [serving.Server("--port", str(p)) for p in ports]
    log = open("%s/%s.log" % (tmp, name), "w")
    proxy = subprocess.Popen(start(text, name), stdout=log, stderr=log)
    wait_for(lambda: healthy(front))
    load = Load(front, body, want)
    wait_for(lambda: min(images(s) for s in servers) >= 20)
    both = min(images(s) for s in servers) >= 20
    servers[0].stop(signal.SIGKILL)
    before = len(load.answers)
    wait_for(lambda: len(load.answers) > before + 100)
    servers[0] = serving.Server("--port", str(ports[0]))
    wait_for(lambda: images(servers[0]) >= 20)
    both = both and images(servers[0]) >= 20
    ended = servers[1].stop(signal.SIGTERM)
    before = len(load.answers)
    wait_for(lambda: len(load.answers) > before + 100)
    answers = load.stop()
    proxy.terminate()
    proxy.wait(30)
    servers[0].stop()
    tap.check(both, "%s: both servers had work before one was killed, and the new one before the other ended" % name)
    return answers, ended


body = picture()
alone = serving.Server()
want = json.loads(alone.ask("POST", "/clip/embed_image", body, {"Content-Type": "image/jpeg"})[2])["embeddings"]
alone.stop()
os.environ["PATH"] += ":/usr/sbin"
for program, start, path, unwise in (
        ("haproxy", haproxy, "tools/server/haproxy.cfg",
         lambda t: re.sub(r"(?m)^ *(retry-on|option redispatch) .*$", "", t).replace("retries 5", "retries 0")),
        ("nginx", nginx, "tools/server/nginx.conf",
         lambda t: re.sub(r"proxy_next_upstream .*;", "proxy_next_upstream off;", t))):
    if not shutil.which(program):
        tap.skip("no %s (sh tools/setup haproxy installs it)" % program)
        continue
    text = open(path).read()
    answers, ended = trial(start, text, program, body, want)
    tap.check(set(answers) == {200}, "%s: one server killed, one ended, and all is answered: %s" % (program, answers))
    tap.check(ended == 0, "%s: the one that was asked to end did so with 0" % program)
    answers, _ = trial(start, unwise(text), program + "-no-repeats", body, want)
    tap.check(set(answers) != {200}, "%s without its lines that repeat requests loses some: %s" % (program, answers))
tap.done()
