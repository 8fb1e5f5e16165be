"""`clipc serve --tls-cert --tls-key`: curl and Python's ssl as clients, a certificate made by openssl here."""
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time

import tap
from serving import Server, embed, noise, same, tmp, wanted

wanted()
if shutil.which("openssl") is None:
    tap.skip("TLS: no openssl to make a certificate")
    tap.done()
for name in ("a", "b"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                    "%s/%s.key" % (tmp, name), "-out", "%s/%s.pem" % (tmp, name)], check=True, stderr=subprocess.DEVNULL)
cert, key = tmp + "/a.pem", tmp + "/a.key"
server = Server("--tls-cert", cert, "--tls-key", key, "--deadline", "2")
if server.port is None and "built with TLS" in server.text:
    tap.skip("TLS: " + server.text.strip())
    tap.done()
if not tap.check(server.port is not None and "https://127.0.0.1" in server.text, server.text.strip()):
    tap.done()
trusting = ssl.create_default_context(cafile=cert)
c = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting, timeout=30)
picture = noise(5, [(300, 200)])[0]
want = embed(tmp + "/0.png")
c.request("POST", "/clip/embed_image", picture, {"Content-Type": "image/png"})
r = c.getresponse()
tap.check(r.status == 200 and same(json.loads(r.read())["embeddings"], want), "a picture through TLS: its vector")
first = c.sock
c.request("GET", "/healthz")
r = c.getresponse()
tap.check(r.status == 200 and r.read() and c.sock is first, "a second request on the same connection")
tap.check(first.version() in ("TLSv1.2", "TLSv1.3"), first.version())
try:
    http.client.HTTPSConnection("127.0.0.1", server.port, context=ssl.create_default_context(), timeout=10).request("GET", "/healthz")
    tap.check(False, "a client that does not trust it goes on")
except ssl.SSLCertVerificationError as e:
    tap.check(True, "a client that does not trust it stops: " + e.verify_message)
if shutil.which("curl"):
    out = subprocess.run(["curl", "-sS", "--cacert", cert, "--json", '{"text": "a red circle"}',
                          "https://localhost:%d/clip/embed_text" % server.port], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    tap.check(same(json.loads(out)["embeddings"], embed("--text", "a red circle")), "curl --cacert")
else:
    tap.skip("no curl")
tap.check(not server.raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", timeout=10).startswith(b"HTTP/1.1 200"), "without TLS there is no answer")
idle = socket.create_connection(("127.0.0.1", server.port))
idle.settimeout(10)
begun = time.time()
tap.check(idle.recv(1) == b"" and time.time() - begun < 6, "who never shakes hands is cut after %.1f s" % (time.time() - begun))
with trusting.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="localhost") as s:
    s.sendall(b"POST /clip/embed_text HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
    s.settimeout(10)
    begun = time.time()
    try:
        got = s.recv(100)
    except (ssl.SSLError, ConnectionError):
        got = b""
    tap.check(not got.startswith(b"HTTP/1.1 200") and time.time() - begun < 6, "and who never ends after %.1f s" % (time.time() - begun))
c = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting, timeout=30)
c.request("GET", "/healthz")
tap.check(c.getresponse().status == 200, "others are served")
tap.check(server.stop() == 0, "SIGTERM ends it with 0")

open(tmp + "/none.pem", "w").write("no certificate\n")
for args, word in ((("--tls-cert", cert), "both"), (("--tls-key", key), "both"), (("--tls-cert", tmp + "/x", "--tls-key", key), "No such"),
                   (("--tls-cert", cert, "--tls-key", tmp + "/b.key"), "TLS"), (("--tls-cert", tmp + "/none.pem", "--tls-key", key), "TLS"),
                   (("--tls-cert", cert, "--tls-key", cert), "TLS")):
    code, _, err = tap.run("serve", "--port", "0", *args)
    tap.check(code == 1 and word in err, "serve %s: %s" % (" ".join(os.path.basename(a) for a in args), err.strip()))
server = Server("--roboflow-env", ENABLE_HTTPS="True", SSL_CERTFILE=cert, SSL_KEYFILE=key)
tap.check("serving on https://" in server.text, "ENABLE_HTTPS, SSL_CERTFILE, SSL_KEYFILE: " + server.text.strip())
server.stop()
tap.done()
