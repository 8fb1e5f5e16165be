"""A running `clipc serve` for the tests of the server, and pictures to send it."""
import atexit
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import zlib

import numpy as np

import tap

tmp = tempfile.mkdtemp()
atexit.register(shutil.rmtree, tmp)


def wanted():
    """Ends the test, saying why, where this build has no server."""
    code, _, err = tap.run("serve", "--help")
    if code != 0:
        tap.skip("no server: " + err.strip())
        tap.done()


class Server:
    """clipc serve on a free port, or on the one that a variable says."""

    def __init__(self, *args, **environment):
        self.log = open(tmp + "/log", "ab+")
        start = self.log.seek(0, 2)
        port = [] if {"CLIPC_SERVE_PORT", "PORT"} & set(environment) else ["--port", "0"]
        self.process = subprocess.Popen([tap.clipc, "serve"] + port + list(args), stderr=self.log,
                                        env=dict(os.environ, **environment))
        atexit.register(self.process.kill)
        self.port = None
        for _ in range(600):
            self.log.seek(start)
            text = self.log.read().decode()
            ready = re.search(r"serving on https?://.*:(\d+)\n", text)
            if ready:
                self.port = int(ready[1])
                break
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.text = text

    def ask(self, method, path, body=None, headers=None, json_type=True):
        """(status, headers in small letters, bytes)"""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        if body is not None and json_type:
            headers.setdefault("Content-Type", "application/json")
        c.request(method, path, body, headers)
        r = c.getresponse()
        data = r.read()
        c.close()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, data

    def post(self, path, body, **keywords):
        status, _, data = self.ask("POST", path, body, **keywords)
        return status, json.loads(data)

    def raw(self, data, timeout=20):
        """All that comes back to these bytes until the server closes."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        got = b""
        try:
            s.sendall(data)
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
        except (ConnectionError, socket.timeout):
            pass
        s.close()
        return got

    def memory(self):
        """Resident MB."""
        for line in open("/proc/%d/status" % self.process.pid):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(60)


def png(width, height, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def noise(seed, sizes):
    """PNG pictures of these (width, height), in `tmp` as 0.png, 1.png ...: their bytes."""
    rng = np.random.default_rng(seed)
    pictures = []
    for w, h in sizes:
        pictures.append(png(w, h, b"".join(b"\0" + row.tobytes() for row in rng.integers(0, 256, (h, w, 3), np.uint8))))
        open("%s/%d.png" % (tmp, len(pictures) - 1), "wb").write(pictures[-1])
    return pictures


def embed(*args):
    """Vectors of the command, by OpenAI's rules as /clip/* has them."""
    code, out, err = tap.run("embed", "--jsonl", "--raw", "--preprocess", "openai", "--tokenizer", "openai", *args)
    assert code == 0, err
    return [json.loads(line)["embedding"] for line in out.splitlines()]


def same(a, b):
    return np.shape(a) == np.shape(b) and np.array_equal(np.float32(a), np.float32(b))


def cosine(a, b):
    a, b = np.float64(a), np.float64(b)
    return a @ b / np.sqrt((a @ a) * (b @ b))
