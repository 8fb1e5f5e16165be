"""Pictures by URL and by file name: what a server of ours fetches from a small web server made here, and all the ways
to send it where it should not go.  Vectors are held against `clipc embed`."""
import base64
import concurrent.futures
import http.client
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

import numpy as np

import tap
from serving import Server, cosine, embed, noise, same, tmp, wanted

wanted()
pictures = noise(3, [(50 + 9 * i, 70 - 5 * i) for i in range(4)])
images = embed(*["%s/%d.png" % (tmp, i) for i in range(4)])
text = embed("--text", "a red circle")[0]


# ---- Files of one folder ----------------------------------------------------------------------------------------

os.makedirs(tmp + "/in/deep")
shutil.copy(tmp + "/1.png", tmp + "/in/deep/one.png")
shutil.copy(tmp + "/0.png", tmp + "/in/..zero.png")
shutil.copy(tmp + "/2.png", tmp + "/secret.png")
os.makedirs(tmp + "/inside")
shutil.copy(tmp + "/2.png", tmp + "/inside/secret.png")
os.symlink(tmp + "/secret.png", tmp + "/in/link.png")
os.symlink(tmp, tmp + "/in/up")
os.mkfifo(tmp + "/in/fifo")
files = Server("--allow-file", tmp + "/in/")


def file(name, server=files):
    return server.post("/clip/embed_image", {"image": {"type": "file", "value": name}})


for name, want in (("deep/one.png", images[1]), (tmp + "/in/deep/one.png", images[1]), ("./deep//one.png", images[1]),
                   ("..zero.png", images[0])):
    tap.check(same(file(name)[1].get("embeddings"), [want]), "--allow-file: " + name.replace(tmp, "FOLDER/.."))
refused = ["../secret.png", "deep/../../secret.png", tmp + "/secret.png", tmp + "/in/../secret.png", "link.png", "up/secret.png",
           tmp + "/inside/secret.png", "/etc/passwd", "/dev/zero", "fifo", "deep", "", ".", "..", "-", "none.png", "a" * 5000,
           "deep/one.png/x", "deep/one.png\0.png", None, 5, "file://" + tmp + "/in/deep/one.png"]
got = [(n, file(n)) for n in refused]
tap.check(all(s == 400 and list(b) == ["message"] for _, (s, b) in got),
          "%d names of nothing in that folder are 400: %s" % (len(refused), [(n, s) for n, (s, b) in got if s != 400]))
tap.check(len({b["message"] for n, (s, b) in got if n in refused[:9]}) == 1, "whether there is a file elsewhere is not told: "
          + got[0][1][1]["message"])
tap.check(files.stop() == 0, "it ends")
code, _, err = tap.run("serve", "--allow-file", tmp + "/1.png", "--port", "0")
tap.check(code == 2 and "wants a folder" in err, "--allow-file FILE: " + err.strip())

# ---- A web server, and one that nobody may reach --------------------------------------------------------------------


class Store(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ended = []

    def log_message(self, *args):
        pass

    def do_GET(self):
        kind, _, rest = self.path[1:].partition("?")
        if kind.endswith(".png"):
            self.reply(200, pictures[int(kind[0])])
        elif kind == "to":
            self.reply(302, b"elsewhere" * 100, Location=rest)
        elif kind == "hops":
            self.reply(301, b"", Location="/hops?%d" % (int(rest) - 1) if int(rest) > 1 else "/2.png")
        elif kind == "loop":
            self.reply(307, b"", Location="/loop")
        elif kind == "text":
            self.reply(200, b"<html>no picture</html>", Content_Type="image/png")
        elif kind == "empty":
            self.reply(200, b"")
        elif kind == "none":
            self.reply(404, pictures[0])
        elif kind == "chunks":
            self.reply(200, None, Transfer_Encoding="chunked")
            for at in range(0, len(pictures[3]), 1000):
                piece = pictures[3][at:at + 1000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        elif kind in ("endless", "slow", "heads"):
            self.pour(kind)
        else:
            self.reply(404, b"")

    def reply(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body:
            self.wfile.write(body)

    def pour(self, kind):
        """Without end: body, drops of a body, headers."""
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if kind != "heads":
            self.wfile.write(b"Transfer-Encoding: chunked\r\n\r\n")
        piece = {"endless": b"10000\r\n" + b"x" * 65536 + b"\r\n", "slow": b"1\r\nx\r\n", "heads": b"X: " + b"a" * 1000 + b"\r\n"}
        try:
            for _ in range(20000):
                self.wfile.write(piece[kind])
                if kind == "slow":
                    time.sleep(0.1)
        except OSError:
            Store.ended.append(time.time())


class Web(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *args):
        pass


store = Web(("127.0.0.1", 0), Store)
threading.Thread(target=store.serve_forever, daemon=True).start()
web = "http://127.0.0.1:%d/" % store.server_address[1]

# Whoever connects here has been led astray.  The same port on all addresses of this machine but the store's.
visitors = []
traps = []
port = None
for family, address in ((socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")):
    try:
        trap = socket.socket(family)
        trap.bind((address, port or 0))
        trap.listen(50)
        port = trap.getsockname()[1]
        traps.append(trap)
    except OSError:
        pass  # a machine without IPv6


def watch(trap):
    while True:
        connection, peer = trap.accept()
        visitors.append((trap.getsockname(), peer))
        connection.close()


for trap in traps:
    threading.Thread(target=watch, args=(trap,), daemon=True).start()

# ---- Off, and by https only ----------------------------------------------------------------------------------------------


def url(value):
    return {"type": "url", "value": value}


def ask(server, value):
    status, got = server.post("/clip/embed_image", {"image": url(value)})
    return status, got.get("message", got)


server = Server()
ways = [("/clip/embed_image", {"image": url(web + "0.png")}), ("/clip/embed_image", {"image": [url(web + "0.png")]}),
        ("/clip/compare", {"subject": web + "0.png", "prompt": "a"}),
        ("/clip/compare", {"subject": "a", "subject_type": "text", "prompt_type": "image", "prompt": {"x": url(web + "0.png")}}),
        ("/v1/embeddings", {"input": {"image": web + "0.png"}}), ("/v1/classify", {"image": web + "0.png", "labels": ["a"]})]
got = [server.ask("POST", path, body) for path, body in ways]
tap.check(all(s == 400 and b"--allow-url" in data for s, _, data in got), "without --allow-url every way is 400, and says so: %s"
          % got[0][2].decode())
server.stop()
code, _, err = tap.run("serve", "--port", "0", "--allow-url-to", "10.0.0.0/8")
tap.check(code == 1 and "--allow-url" in err, "--allow-url-to alone: " + err.strip())
server = Server("--allow-url")
if server.port is None:
    tap.skip("no URLs: " + server.text.strip())
    tap.done()
HTTPS = "Could not load input image. Cause: Providing images via non https:// URL is not supported in this configuration of `inference`."
FQDN = HTTPS.replace("via non https:// URL", "via URL without FQDN")
INVALID = "Could not load input image. Cause: Provided image URL is invalid"
tap.check(ask(server, web + "0.png") == (400, HTTPS), "http: is refused with the recorded sentence")
tap.check(ask(server, "https://127.0.0.1:1/a.jpg") == (400, FQDN), "so is a bare address")
tap.check(ask(server, "not a url") == (400, INVALID) and ask(server, 5)[0] == 400 and ask(server, None)[0] == 400,
          "and what is no URL")
tap.check(ask(server, "https://a.localhost:443/a.jpg")[0] == 400 and "address" in ask(server, "https://a.localhost:443/a.jpg")[1],
          "a name that leads home: " + ask(server, "https://a.localhost/a.jpg")[1])
server.stop()
for args, word in ((("--allow-url", "--allow-url-to", "10.0.0.0/8,x"), "not 'x'"), (("--allow-url", "--url-timeout", "31"), "30")):
    code, _, err = tap.run("serve", "--port", "0", *args)
    tap.check(code in (1, 2) and word in err, "serve %s: %s" % (" ".join(args), err.strip()))

# ---- Pictures of a store of one's own ---------------------------------------------------------------------------------------

# A proxy of the environment would make the connection for us.
server = Server("--allow-url", "--allow-url-http", "--allow-url-to", "127.0.0.1", "--max-body", "1", "--url-timeout", "2",
                http_proxy="http://127.0.0.2:%d" % port, all_proxy="http://127.0.0.2:%d" % port)
got = server.post("/clip/embed_image", {"image": url(web + "0.png")})[1]
tap.check(same(got.get("embeddings"), images[:1]), "a picture by its URL: %s" % got.get("message"))
b64 = {"type": "base64", "value": base64.b64encode(pictures[1]).decode()}
got = server.post("/clip/embed_image", {"image": [url(web + "2.png"), b64, {"type": "URL", "value": web + "chunks"}, url(web + "0.png")]})
tap.check(same(got[1].get("embeddings"), [images[i] for i in (2, 1, 3, 0)]), "several, with one in base64: each in its place")


got = server.post("/clip/compare", {"subject": web + "1.png", "prompt": "a red circle"})[1]
tap.check(np.allclose(got.get("similarity"), [cosine(images[1], text)], atol=1e-6), "compare: a subject that is a URL")
got = server.post("/clip/compare", {"subject": url(web + "1.png"), "prompt_type": "image", "prompt": {"z": url(web + "2.png"), "a": b64}})[1]
tap.check(list(got["similarity"]) == ["z", "a"] and
          np.allclose(list(got["similarity"].values()), [cosine(images[1], images[2]), 1], atol=1e-6), "prompts that are URLs")
want = server.post("/v1/embeddings", {"input": {"image": b64["value"]}})[1]["data"][0]["embedding"]
for value, more in (({"image": web + "1.png"}, {}), (web + "1.png", {"modality": "image"}), ({"image_url": web + "1.png"}, {}),
                    ([{"type": "image_url", "image_url": {"url": web + "1.png"}}], {})):
    got = server.post("/v1/embeddings", dict({"input": value}, **more))[1]
    tap.check(got.get("data") and got["data"][0]["embedding"] == want, "/v1/embeddings: %s" % str(value).replace(web, ""))
got = server.post("/v1/classify", {"images": [web + "1.png", url(web + "1.png")], "labels": ["a red circle", "a blue star"]})[1]
tap.check(got["results"][0] == got["results"][1] ==
          server.post("/v1/classify", {"image": b64["value"], "labels": ["a red circle", "a blue star"]})[1]["results"][0],
          "/v1/classify")

# ---- What comes instead ---------------------------------------------------------------------------------------------------------

DECODED = "Could not load input image. Cause: Data pointed by URL could not be decoded into image."
got = server.post("/clip/embed_image", {"image": url(web + "hops?3")})[1]
tap.check(same(got.get("embeddings"), images[2:3]), "three redirects are followed")
for path, status, sentence in (("hops?4", 400, DECODED), ("loop", 400, DECODED), ("none", 400, DECODED), ("to?", 400, DECODED),
                               ("text", 400, "Could not load input image. Cause: Data is not image."),
                               ("empty", 400, "Could not load input image. Cause: Empty image payload."),
                               ("endless", 413, "larger"), ("heads", 400, DECODED), ("slow", 400, "in time"),
                               ("to?file:///etc/passwd", 400, INVALID), ("to?gopher://127.0.0.1/", 400, INVALID)):
    before, begun = server.memory(), time.time()
    got = ask(server, web + path)
    took, more = time.time() - begun, server.memory() - before
    tap.check(got[0] == status and sentence in got[1] and took < 5 and more < 40,
              "/%s: %d %s (%.1f s, %.0f MB)" % (path, got[0], got[1][-60:], took, more))
free = socket.socket()
free.bind(("127.0.0.1", 0))
tap.check(ask(server, "http://127.0.0.1:%d/a.png" % free.getsockname()[1]) == (400, DECODED), "nobody there: the recorded sentence")
got = server.post("/clip/embed_image", {"image": [url(web + "0.png"), url(web + "none")]})
tap.check(got[0] == 400 and got[1]["message"] == DECODED, "one of two that fails")

# ---- Where it must not go ---------------------------------------------------------------------------------------------------------

P = ":%d/" % port
hosts = ["127.0.0.2", "127.2", "2130706434", "0x7f000002", "0x7f.0.0.2", "0177.0.0.2", "0x7f.2", "127.0.0x2", "127.000.000.002",
         "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.2]", "[::ffff:7f00:2]", "[::127.0.0.2]", "[64:ff9b::127.0.0.2]",
         "[2002:7f00:2::]", "[::]", "0", "0.0.0.0", "localhost", "LOCALHOST", "localhost.", "a.localhost", "ip6-localhost",
         "user@127.0.0.2", "user:word@127.0.0.2", "example.com@127.0.0.2", "127.0.0.1@127.0.0.2", "127.0.0.2%00.example.com",
         "127.0.0.2%2f.example.com", "\u2460\u2461\u2466.0.0.\u2461", "127\u30020\u30020\u30022", "127.0.0.2.", "[fe80::1%25lo]",
         "169.254.169.254", "10.0.0.1", "100.64.0.1", "192.168.0.1", "224.0.0.1", "255.255.255.255", "[fd00::1]", "[ff02::1]"]
targets = ["http://" + h + P for h in hosts]
targets += [u.replace("http:", "https:") for u in targets]
targets += ["http://127.0.0.2" + P + "#@127.0.0.1/", "http:\\\\127.0.0.2" + P, "http:127.0.0.2" + P, "http:///127.0.0.2" + P,
            "//127.0.0.2" + P, "127.0.0.2" + P, "http://127.0.0.1\r\nHost: 127.0.0.2", "http://127.0.0.2" + P + "\r\nX: y",
            " http://127.0.0.2" + P, "http://127.0.0.2\t" + P, "http://127.0.0.1:1@127.0.0.2" + P, "http://127.0.0.2:65537/",
            "http://", "http:", "https://", "h" * 100000, "http://" + "a" * 9000 + ".example/", "http://a.example\0@127.0.0.2" + P]
targets += [s + "127.0.0.2" + P for s in ("gopher://", "dict://", "ftp://", "ldap://", "smb://", "telnet://", "tftp://", "imap://",
                                          "smtp://", "rtsp://", "ws://", "jar:http://", "url:http://", "file://")]
targets += ["file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd", "data:image/png;base64,AAAA", "scp://127.0.0.2/x"]
inner = Server("--allow-url", "--allow-url-http", "--allow-url-to", "192.0.2.0/24", "--url-timeout", "2")
for name, asked in (("asked for", lambda t: ask(inner, t)), ("redirected to", lambda t: ask(server, web + "to?" + t)),):
    begun = time.time()
    some = targets if name == "asked for" else [t for t in targets if t.isascii() and t.isprintable() and " " not in t and
                                                len(t) < 8000 and "localhost" not in t.lower() and not t.startswith("//") and
                                                "://127.0.0.1" not in t and ":/" in t]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(asked, some))
    wrong = [(t[:60], g) for t, g in zip(some, got) if g[0] != 400]
    tap.check(not wrong, "%s: %d spellings of places to stay away from are 400 %s" % (name, len(some), wrong[:4]))
    tap.check(time.time() - begun < 60, "in %.1f s" % (time.time() - begun))
tap.check(not visitors, "and none of them, nor a proxy, was ever connected to: %s" % visitors[:3])
got = ask(inner, "http://a.localhost" + P)
tap.check("address" in got[1], "a name is judged by where it leads: " + got[1])
inner.stop()
listed = Server("--allow-url", "--allow-url-http", "--allow-url-to", "127.0.0.0/8", "--url-hosts", "127.0.0.1,a.localhost",
                "--url-deny", "a.localhost")
tap.check(ask(listed, web + "0.png")[0] == 200 and "host" in ask(listed, web.replace("127.0.0.1", "localhost") + "0.png")[1] and
          "host" in ask(listed, web.replace("127.0.0.1", "a.localhost") + "0.png")[1] and
          "host" in ask(listed, web + "to?" + web.replace("127.0.0.1", "localhost") + "0.png")[1],
          "--url-hosts, --url-deny: names are held against them on every hop")
listed.stop()

# ---- Others do not wait ---------------------------------------------------------------------------------------------------------------

with concurrent.futures.ThreadPoolExecutor(60) as pool:
    slow = [pool.submit(ask, server, web + "slow") for _ in range(48)]
    time.sleep(0.5)
    times = []
    for _ in range(10):
        begun = time.time()
        good = server.post("/clip/embed_image", {"image": b64})[0] == 200 and server.ask("GET", "/healthz")[0] == 200
        times.append(time.time() - begun if good else 99)
    slow = [s.result()[0] for s in slow]
tap.check(max(times) < 1 and set(slow) <= {400, 503}, "48 requests that wait for a slow server hold up nobody: %.2f s at most"
          % max(times))
Store.ended.clear()
s = socket.create_connection(("127.0.0.1", server.port))
body = json.dumps({"image": url(web + "slow")}).encode()
s.sendall(b"POST /clip/embed_image HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
time.sleep(0.4)
s.close()
begun = time.time()
while not Store.ended and time.time() - begun < 5:
    time.sleep(0.05)
tap.check(Store.ended and time.time() - begun < 1.5, "a client that goes away ends its fetch after %.1f s" % (time.time() - begun))
tap.check(server.stop() == 0, "SIGTERM ends it with 0")

server = Server("--allow-url", "--allow-url-http", "--allow-url-to", "127.0.0.1", "--url-timeout", "4", "--max-wait", "2")
with concurrent.futures.ThreadPoolExecutor(20) as pool:
    slow = [pool.submit(ask, server, web + "slow") for _ in range(16)]  # all the threads that there are for it
    time.sleep(1)
    late = pool.submit(ask, server, web + "0.png")
    tap.check(late.result()[0] == 503 and "waited" in late.result()[1], "--max-wait: who has waited too long is not computed: %s"
              % (late.result(),))
    tap.check({s.result()[0] for s in slow} == {400}, "those that were begun are answered")
server.stop()

# ---- TLS ---------------------------------------------------------------------------------------------------------------------------------

if shutil.which("openssl") is None:
    tap.skip("https to a store: no openssl")
else:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", tmp + "/key.pem",
                    "-out", tmp + "/cert.pem"], check=True, stderr=subprocess.DEVNULL)
    safe = Web(("127.0.0.1", 0), Store)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp + "/cert.pem", tmp + "/key.pem")
    safe.socket = context.wrap_socket(safe.socket, server_side=True)
    threading.Thread(target=safe.serve_forever, daemon=True).start()
    secure = "https://127.0.0.1:%d/" % safe.server_address[1]
    server = Server("--allow-url", "--allow-url-to", "127.0.0.1", "--url-ca", tmp + "/cert.pem")
    got = server.post("/clip/embed_image", {"image": url(secure + "1.png")})[1]
    tap.check(same(got.get("embeddings"), images[1:2]), "https, trusted by --url-ca: %s" % got.get("message"))
    tap.check(ask(server, secure + "to?" + web + "1.png") == (400, HTTPS), "a redirect from https to http is refused")
    server.stop()
    server = Server("--allow-url", "--allow-url-to", "127.0.0.1")
    tap.check(ask(server, secure + "1.png") == (400, DECODED), "https that nobody vouches for is refused")
    server.stop()
tap.done()
