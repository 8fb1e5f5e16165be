"""`clipc watch --webhook` against servers that answer, fail, redirect, hang and close."""
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import numpy as np

import tap
from watching import check_nothing_left, clipc, done, frames, prompts, start, tmp, watch

if not os.path.exists("weights/demo.clipc"):
    tap.skip("no embedded model (make train-demo)")
    done()
if watch("-", "--format", "gray", "--size", "1x1", "x", "--threshold", "2", "--webhook", "http://127.0.0.1:1/", input=b"")[2].count("no libcurl"):
    tap.skip("this build has no libcurl")
    done()

# ---- The server: what a path does ----------------------------------------------------------------------

heard, lock, released = {}, threading.Lock(), threading.Event()


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        with lock:
            heard.setdefault(self.path, []).append(("GET", b""))
        self.send_error(405)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with lock:
            heard.setdefault(self.path, []).append((self.headers, body))
            n = len(heard[self.path])
        what = self.path.strip("/").split("?")[0]
        if what == "hang":
            released.wait(60)
            self.close_connection = True
            return
        if what == "close":
            self.close_connection = True
            return
        if what == "endless":
            self.send_response(200)
            self.end_headers()
            try:
                while not released.is_set():
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass
            self.close_connection = True
            return
        code = {"ok": 200, "created": 201, "twice": 503 if n <= 2 else 204, "down": 500, "away": 404, "there": 307, "file": 302}[what]
        self.send_response(code)
        if what in ("there", "file"):
            self.send_header("Location", {"there": "/ok", "file": "file:///etc/passwd"}[what])
        self.send_header("Content-Length", "0")
        self.end_headers()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
address = "http://127.0.0.1:%d" % server.server_port
raw = tmp + "/film.rgb"
open(raw, "wb").write(b"".join(f.tobytes() for f in frames for _ in range(5)))
C = [raw, "--format", "raw", "--size", "130x98", "--rate", "10", *prompts, "--threshold", "0.3"]
code, want, err = watch(*C)


def bodies(path):
    return [json.loads(b) for h, b in heard.get(path, []) if h != "GET"]


def timed(path, *more):
    begun = time.time()
    code, r, err = watch(*C, "--webhook", path if "://" in path else address + path, *more)
    return code, r, err, time.time() - begun


# ---- Answers -------------------------------------------------------------------------------------------

code, r, err, t = timed("/ok")
tap.check(code == 0 and err == "" and r == want and len(want) == 6 and bodies("/ok") == want, "each event arrives once, in order: %d, %s" % (len(bodies("/ok")), err))
h = heard["/ok"][0][0]
tap.check(h["Content-Type"] == "application/json" and h["User-Agent"] == "clipc" and h["Expect"] is None, "as application/json")
code, r, err, t = timed("/created?key=secret")
tap.check(code == 0 and err == "" and bodies("/created?key=secret") == want, "201 is as good as 200; the query is kept")
code, r, err, t = timed("/twice")
tap.check(code == 0 and bodies("/twice") == want[:1] * 2 + want and t > 2.9 and "127.0.0.1: it answered 503" in err and len(err.splitlines()) == 1,
          "503 twice, then well: tried again after 1 and 2 s: " + err.strip())
code, r, err, t = timed("/away?key=secret")
tap.check(code == 1 and r == want and bodies("/away?key=secret") == want and err.count("it answered 404") == 1 and
          "6 of 6 events did not arrive" in err and "secret" not in err, "404 is final, said once, counted at the end: " + err.splitlines()[-1])
code, r, err, t = timed("/there")
tap.check(code == 1 and bodies("/ok") == want and bodies("/there") == want and "redirects (307) to " + address + "/ok" in err,
          "a redirect is not followed, and named: " + err.splitlines()[0])
code, r, err, t = timed("/file")
tap.check(code == 1 and "not followed" in err and "GET" not in [h for h, _ in heard["/file"]], "nor one to a file")

# ---- No answers: all of these at once, each takes its ten seconds ---------------------------------------


def run(path, out):
    p = start(*C, "--webhook", path if "://" in path else address + path)
    begun, lines = time.time(), []
    for line in p.stdout:
        lines.append((time.time() - begun, json.loads(line)))
    err = p.stderr.read().decode()
    out[path] = (p.wait(), [x for _, x in lines], max([t for t, _ in lines], default=99), time.time() - begun, err)


def outlast():
    """A source that goes on while the event is tried as often as it ever is."""
    p = start("-", *C[1:], "--webhook", address + "/down?long", stdin=subprocess.PIPE)
    p.stdin.write(frames[0].tobytes())
    p.stdin.flush()
    until = time.time() + 40
    while time.time() < until and len(bodies("/down?long")) < 5:
        time.sleep(0.1)
    time.sleep(0.5)  # it has the answer to its last try
    begun = time.time()
    results["long"] = (p.communicate()[1].decode(), time.time() - begun)


closed = socket.socket()
closed.bind(("127.0.0.1", 0))  # bound and not listening: refused
refused = "http://127.0.0.1:%d/" % closed.getsockname()[1]
silent = socket.socket()
silent.bind(("127.0.0.1", 0))
silent.listen(1)  # never accepted
mute = "http://127.0.0.1:%d/" % silent.getsockname()[1]
results, paths = {}, ["/down", "/hang", "/close", "/endless", refused, mute, "http://no-such-host.invalid/"]
threads = [threading.Thread(target=run, args=(p, results)) for p in paths] + [threading.Thread(target=outlast)]
for t in threads:
    t.start()
for t in threads:
    t.join(90)
released.set()
for path in paths:
    code, r, last, whole, err = results.get(path, (None, [], 99, 99, ""))
    if path == "/endless":
        tap.check(code == 0 and bodies(path) == want, "a reply without end is cut off, its 200 counts: " + err.strip())
        continue
    tap.check(code == 1 and r == want and 8 < whole - last < 60 and "6 of 6 events did not arrive" in err,
              "%s: the answers wait for nothing, the end for ten seconds (%.1f s, %.1f s): %s" % (re.sub(r":\d+", "", path), last, whole, err.splitlines()[0]))
tap.check(bodies("/down")[:4] == want[:1] * 4 and bodies("/hang")[:1] == want[:1], "500 is tried again after 1, 2 and 4 s")

first = bodies("/down?long")[:1]
tap.check(bodies("/down?long")[:5] == first * 5 and len(first) == 1 and first * 6 != bodies("/down?long")[:6] and
          "2 of 2 events did not arrive (" in results["long"][0], "and after 8, five times in all: " + results["long"][0].splitlines()[-1])

# ---- https ----------------------------------------------------------------------------------------------


def secure(name, host):
    """The same server behind TLS, its certificate made for this host: (address, the certificate)."""
    pem, key = "%s/%s.pem" % (tmp, name), "%s/%s.key" % (tmp, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=" + host, "-addext", "subjectAltName=" + host, "-keyout", key, "-out", pem], check=True, stderr=subprocess.DEVNULL)
    https = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    https.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    https.handle_error = lambda *_: None  # a client that does not trust it ends the handshake
    https.socket = context.wrap_socket(https.socket, server_side=True)
    threading.Thread(target=https.serve_forever, daemon=True).start()
    return "https://127.0.0.1:%d" % https.server_port, pem


if shutil.which("openssl") is None:
    tap.skip("https: no openssl to make a certificate")
else:
    (mine, mine_pem), (other, other_pem) = secure("mine", "IP:127.0.0.1"), secure("other", "DNS:elsewhere")
    code, r, err, t = timed(mine + "/ok?trusted", "--webhook-ca", mine_pem)
    tap.check(code == 0 and err == "" and bodies("/ok?trusted") == want, "https, trusted by --webhook-ca: each event arrives " + err)
    for what, address_, more, words in (("that nobody signed", mine, [], "--webhook-ca"), ("of somebody else's", mine, ["--webhook-ca", other_pem], "certificate"),
                                        ("of another host", other, ["--webhook-ca", other_pem], "127.0.0.1")):
        code, r, err, t = timed(address_ + "/ok?secret", *more)
        first = err.splitlines()[0]
        tap.check(code == 1 and r == want and "/ok?secret" not in heard and "certificate" in first and words in first and "(6 failed, 0 were left out" in err and
                  "secret" not in err, "a certificate %s is refused at once, and nothing sent: %s" % (what, first))
    code, r, err, t = timed(address.replace("http", "https") + "/ok?plain")
    tap.check(code == 1 and r == want and "/ok?plain" not in heard and "6 of 6 events" in err, "https where there is none: " + err.splitlines()[0])
    open(tmp + "/none.pem", "w").write("no certificate\n")
    for path, words in (("/none.pem", "certificate"), ("/not-there.pem", "No such file")):
        code, r, err, t = timed(mine + "/ok?secret", "--webhook-ca", tmp + path)
        tap.check(code == 1 and words in err and path in err and "/ok?secret" not in heard, "--webhook-ca: " + err.splitlines()[0])
tap.check(watch(*C, "--webhook-ca", raw)[0] == 2, "--webhook-ca without --webhook is wrong usage")

# ---- Wrong ones, and ends ------------------------------------------------------------------------------

for url in ("ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1", "httpx://a/", ""):
    code, r, err = watch(*C, "--webhook", url)
    tap.check(code == 2 and r == [] and "http" in err, "'%s' is wrong usage" % url)
code, r, err = watch(*C, "--webhook", "http://[::1/")
tap.check(code == 1 and r == [] and "no address" in err, "no address: " + err.strip())
tap.check(watch(raw, "x", "--webhook", address + "/ok")[0] == 2, "without --threshold it is wrong usage")
many = tmp + "/many.rgb"
open(many, "wb").write((frames[0].tobytes() + frames[4].tobytes()) * 100)
released.clear()
code, r, err = watch(many, *C[1:], "--webhook", address + "/hang")
tap.check(code == 1 and len(r) == 200 and "200 of 200 events did not arrive" in err, "more than there is room for are dropped and counted: " + err.splitlines()[-1])
released.set()
heard.clear()
p = start("-", *C[1:], "--webhook", address + "/ok", stdin=subprocess.PIPE)
p.stdin.write(frames[0].tobytes() * 2)
p.stdin.flush()
p.stdout.readline()
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=30)
tap.check(p.returncode == -signal.SIGINT and [x["event"] for x in bodies("/ok")] == ["start", "end"], "Ctrl-C with an event open: its end arrives too")
server.shutdown()
check_nothing_left()
done()
