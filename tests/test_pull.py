"""`clipc pull` from a hub made here, which serves tests/golden/mini as the public one would and misbehaves in every
way that a server, or the network before it, can.  What comes out is compared with `clipc convert` of the same folder."""
import atexit
import concurrent.futures
import hashlib
import http.server
import json
import os
import pty
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import numpy as np

import checkpoints
import tap

tmp = tempfile.mkdtemp()
atexit.register(shutil.rmtree, tmp)
code, _, err = tap.run("pull", "o/nothing", env=dict(os.environ, HF_ENDPOINT="ftp://x", XDG_CACHE_HOME=tmp))
if "install lib" in err:
    tap.skip("pull: " + err.strip())
    tap.done()

# ---- The model, in the forms that repositories have ------------------------------------------------------------------

mini = tmp + "/mini"
tap.byte_vocabulary(mini)
for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
    shutil.copy("tests/golden/mini/" + name, mini)
os.makedirs(tmp + "/sharded")
sharded = shutil.copytree(mini, tmp + "/sharded/mini")
os.remove(sharded + "/model.safetensors")
names = sorted(checkpoints.source)
parts = {"model-0000%d-of-00003.safetensors" % (i + 1): names[i::3] for i in range(3)}
for part, keys in parts.items():
    checkpoints.write_safetensors(sharded + "/" + part, {k: checkpoints.source[k] for k in keys})
json.dump({"weight_map": {k: part for part, keys in parts.items() for k in keys}},
          open(sharded + "/model.safetensors.index.json", "w"))


def files_of(folder):
    return {n: open(folder + "/" + n, "rb").read() for n in os.listdir(folder)}


def converted(folder):
    code, _, err = tap.run("convert", folder, "-o", folder + ".clipc")
    assert code == 0, err
    return open(folder + ".clipc", "rb").read()


plain, shards = files_of(mini), files_of(sharded)
want, want_sharded = converted(mini), converted(sharded)
tensors = plain["model.safetensors"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"

# ---- The hub, and the host of its large files ------------------------------------------------------------------------

asked = []  # (host, repository, kind or file, headers, first byte that was sent)
tricks = {}  # repository: function(handler, what, count): True when it has answered
lock = threading.Lock()
free = threading.Event()


def files_for(repository):
    return shards if repository.startswith("sharded") else plain


def listing(repository, **change):
    files = files_for(repository)
    siblings = [{"rfilename": n, "size": len(b), "blobId": "0" * 40} for n, b in files.items()]
    for s in siblings:
        if s["rfilename"].endswith((".safetensors", ".bin")):
            s["lfs"] = {"sha256": hashlib.sha256(files[s["rfilename"]]).hexdigest(), "size": s["size"], "pointerSize": 134}
    siblings += [{"rfilename": n, "size": 10 ** 6} for n in
                 ("README.md", "pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "../../evil", "/etc/passwd", "..", "-rf")]
    return dict({"id": "o/mini", "sha": COMMIT, "siblings": siblings}, **change)


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        m = re.match(r"/api/models/([^/?]+/[^/?]+)(?:/revision/([^/?]+))?\?blobs=true$", self.path)
        n = re.match(r"/(blob/)?([^/]+/[^/]+)/resolve/([^/]+)/([^/?]+)$", self.path)
        if not m and not n:
            return self.answer(404)
        self.repository, self.revision = (m[1], m[2]) if m else (n[2], n[3])
        self.name, self.cdn = (None, False) if m else (n[4], bool(n[1]))
        what = "list" if m else ("cdn " if self.cdn else "hub ") + n[4]
        self.first = 0
        with lock:
            count = sum(a[1] == self.repository and a[2] == what for a in asked)
            asked.append([self.headers["Host"], self.repository, what, self.headers, self.path, 0])
            self.entry = asked[-1]
        trick = tricks.get(self.repository)
        if trick and trick(self, what, count):
            return
        if m:
            return self.answer(200, json.dumps(listing(self.repository)).encode())
        data = files_for(self.repository).get(self.name)
        if data is None:
            return self.answer(404)
        if not self.cdn and self.name.endswith(".safetensors"):
            return self.answer(302, b"moved", Location=cdn + "/blob" + self.path, X_Linked_Size=str(len(data)),
                               X_Linked_ETag='"%s"' % hashlib.sha256(data).hexdigest())
        self.file(data)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file(self, data, ranges=True, tag=None, cut=None, pause=0, length=None, said=None):
        """cut: the connection ends after so many bytes; pause: seconds between pieces."""
        tag = tag or '"%s"' % hashlib.md5(data).hexdigest()
        m = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        first = int(m[1]) if m and ranges and self.headers.get("If-Range", tag) == tag else 0
        self.entry[5] = first
        if first >= len(data):
            return self.answer(416, Content_Range="bytes */%d" % len(data))
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", said or "bytes %d-%d/%d" % (first, len(data) - 1, len(data)))
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(length or len(data) - first))
        self.end_headers()
        body = data[first:] if cut is None else data[first:first + cut]
        step = len(body) if not pause else max(1, len(body) // 40)
        for at in range(0, len(body), step):
            self.wfile.write(body[at:at + step])
            if pause and free.wait(pause):
                break
        if cut is not None:
            self.close_connection = True


class Web(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *args):
        pass


def web(port=0):
    server = Web(("127.0.0.1", port), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, "http://127.0.0.1:%d" % server.server_address[1]


hub_server, hub = web()
cdn_server, cdn = web()
caches = iter(range(1000))


def environment(cache=None, **more):
    e = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k not in ("HF_TOKEN", "SSL_CERT_FILE")}
    e.update(HF_ENDPOINT=hub, XDG_CACHE_HOME=cache or "%s/cache%d" % (tmp, next(caches)), **more)
    return e


class Pulled:
    """What a call did: code, stdout, stderr, its cache, the weight file or None, the requests."""

    def __init__(self, repository, *args, cache=None, preexec_fn=None, **more):
        self.env = environment(cache, **more)
        self.cache = self.env["XDG_CACHE_HOME"]
        owner = repository.partition("@")[0]
        before = len([a for a in asked if a[1] == owner])
        began = time.time()
        self.code, out, self.err = tap.run("pull", repository, *args, env=self.env, preexec_fn=preexec_fn)
        self.seconds = time.time() - began
        self.out = out.decode().strip()
        self.folder = "%s/clipc/%s" % (self.cache, repository.replace("/", "%2F").replace("%2F", "/", 1))
        self.path = self.folder + ".clipc"
        self.file = open(self.path, "rb").read() if os.path.exists(self.path) else None
        self.asked = [a for a in asked if a[1] == owner][before:]

    def left(self):
        return sorted(os.listdir(self.folder)) if os.path.exists(self.folder) else []

    def of(self, what):
        return [a for a in self.asked if a[2] == what]


def good(p, bytes_=None):
    return p.code == 0 and p.file == (bytes_ or want) and p.out == p.path and p.left() == []


pool = concurrent.futures.ThreadPoolExecutor(8)
checks = []


def later(text, repository, judge, *args, trick=None, **more):
    """Many pulls wait for most of their time: they run side by side, and are judged in their order."""
    if trick:
        tricks[repository] = trick
    checks.append((text, judge, pool.submit(Pulled, repository, *args, **more)))


def judged():
    for text, judge, job in checks:
        p = job.result()
        tap.check(judge(p), "%s: %s" % (text, p.err.strip().splitlines()[-1:] if p.err else "done"))
    checks.clear()


def refuses(*words, left=None):
    """An error with these words, no weight file, no half one, nothing on stdout."""
    return lambda p: p.code == 1 and p.file is None and p.out == "" and all(w in p.err for w in words) and \
        (left is None or p.left() == left) and not os.path.exists(p.path + ".lock")


WEIGHTS = "cdn model.safetensors"

# ---- A pull, and what it is good for ---------------------------------------------------------------------------------

p = Pulled("o/mini")
tap.check(good(p), "o/mini is the file that convert makes of its folder: " + p.err.strip())
wanted = {"hub " + n for n in plain} | {"list", WEIGHTS}
tap.check({a[2] for a in p.asked} == wanted and len(p.asked) == len(wanted), "what convert reads is asked for, once")
tap.check(all(COMMIT in a[4] for a in p.asked if a[2] != "list"), "all files are of the commit that the list is of")
tap.check(not any(a[3].get("Authorization") for a in p.asked), "without $HF_TOKEN none is sent")
tap.check(sorted(os.listdir(p.cache + "/clipc/o")) == ["mini.clipc"], "nothing else stays in the cache")
again = Pulled("o/mini", cache=p.cache)
tap.check(again.code == 0 and again.out == p.path and not again.asked and "--anew" in again.err, "once more: " + again.err.strip())
again = Pulled("o/mini", "--anew", cache=p.cache)
tap.check(good(again) and len(again.asked) == len(wanted), "--anew asks for all of it")


def model(name, verb="embed", *args, env=p.env, cwd=None):
    q = subprocess.run([os.path.abspath(tap.clipc), verb, *args, "-m", name], env=env, cwd=cwd or tmp, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    return q.returncode, q.stdout, q.stderr.decode()


vector = model(mini + ".clipc", "embed", "--text", "cat")[1]
tap.check(vector != b"" and model("o/mini", "embed", "--text", "cat")[1] == vector, "-m o/mini finds it")
tap.check(tap.run("embed", "--text", "cat", env=dict(p.env, CLIPC_MODEL="o/mini"))[1] == vector, "$CLIPC_MODEL too")
for verb, args in (("info", ["--verify"]), ("selftest", ["--kernels", "scalar"])):
    q = subprocess.run([tap.clipc, verb, "o/mini"] + args, env=p.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tap.check(q.returncode == 0 and (verb != "info" or p.path.encode() in q.stdout), "%s o/mini" % verb)
code, _, err = tap.run("convert", "o/mini", "-o", tmp + "/q8.clipc", "--dtype", "q8", env=p.env)
tap.check(code == 0 and '"q8"' in tap.run("info", tmp + "/q8.clipc", "--json")[1].decode(), "convert o/mini --dtype q8: " + err.strip())
serving = subprocess.Popen([tap.clipc, "serve", "-m", "x=o/mini", "--port", "0"], env=p.env, stderr=subprocess.PIPE)
said = serving.stderr.readline().decode()
serving.terminate()
tap.check("serving on" in said or "built" in said, "serve -m x=o/mini: " + said.strip())
serving.communicate()
os.makedirs(tmp + "/here/o")
open(tmp + "/here/o/mini", "w").write("no model")
tap.check("not a clipc weight file" in model("o/mini", "embed", "--text", "cat", cwd=tmp + "/here")[2], "a file of that name goes before it")
for name, words in (("o/none", "`clipc pull o/none` downloads o/none"), ("vit-b-32", "downloads openai/clip-vit-base-patch32"),
                    ("ViT-L/14@336px", "downloads openai/clip-vit-large-patch14-336"), ("vit-b-23", "`clipc pull vit-b-32`"), ("model", "`clipc pull --list`"),
                    ("Laion-H/14", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K")):
    code, _, err = model(name, "embed", "--text", "cat")
    tap.check(code == 1 and words in err, "-m %s: %s" % (name, err.strip()))
code, _, err = model("none.clipc", "embed", "--text", "cat")
tap.check(code == 1 and "pull" not in err, "-m none.clipc: " + err.strip())
listed = tap.run("pull", "--list", env=p.env)[1].decode()
tap.check(re.search(r"^ +o/mini +\d+\.\d MB$", listed, re.M) is not None and
          re.search(r"^vit-b-32 +openai/clip-vit-base-patch32 *$", listed, re.M) is not None, "--list shows both")
os.makedirs(p.cache + "/clipc/openai")
shutil.copy(p.path, p.cache + "/clipc/openai/clip-vit-base-patch32.clipc")
tap.check(all(model(n, "embed", "--text", "cat")[1] == vector for n in ("vit-b-32", "ViT-B/32", "openai/clip-vit-base-patch32")),
          "three names of one model")
listed = tap.run("pull", "--list", env=p.env)[1].decode()
tap.check(re.search(r"^vit-b-32 +openai/clip-vit-base-patch32 +\d+\.\d MB$", listed, re.M) is not None, "--list says that it is there")

rows = len(re.findall(r"^[\w-]+ +[\w.-]+/[\w.-]+", listed, re.M))
tap.check("has %d by short names" % rows in open("README.md").read(), "README.md counts them: %d" % rows)

p = Pulled("sharded/mini", "--keep")
tap.check(p.code == 0 and p.file == want_sharded and p.left() == sorted(shards), "shards by their index; --keep keeps the files")
p = Pulled("sharded/mini", "--anew", cache=p.cache)
tap.check(good(p, want_sharded) and not any(a[2].startswith("cdn") for a in p.asked), "kept files that have their SHA-256 are not fetched again")

p = Pulled("o/secret", HF_TOKEN="hf_abc123", cache=tmp + "/secret")
tokens = [(a[2], a[3].get("Authorization")) for a in p.asked]
tap.check(p.code == 0 and all((t == "Bearer hf_abc123") == (w != WEIGHTS) for w, t in tokens) and (WEIGHTS, None) in tokens,
          "the token goes to the hub, and not to where it redirects")
tap.check("hf_abc" not in p.out + p.err, "and is never shown")
p = Pulled("o/mini", HF_TOKEN="a\r\nHost: b")
tap.check(p.code == 2 and not p.asked and "HF_TOKEN" in p.err, "a token of two lines: " + p.err.strip())

p = Pulled("o/mini", "--revision", "refs/pr/1", cache=tmp + "/revisions")
path = tmp + "/revisions/clipc/o/mini@refs%2Fpr%2F1.clipc"
tap.check(p.code == 0 and p.out == path and os.path.exists(path) and "/revision/refs%2Fpr%2F1?" in p.of("list")[0][4],
          "--revision refs/pr/1")
tap.check(model("o/mini@refs/pr/1", "embed", "--text", "cat", env=p.env)[1] == vector, "-m o/mini@refs/pr/1")
tap.check(model("o/mini", "embed", "--text", "cat", env=p.env)[0] == 1, "which is not o/mini")
e = environment()
code, out, err = tap.run("pull", "o/mini", "--endpoint", hub + "//", env=dict(e, HF_ENDPOINT="http://127.0.0.1:1"))
tap.check(code == 0 and out.decode().strip() == e["XDG_CACHE_HOME"] + "/clipc/o/mini.clipc", "--endpoint goes before $HF_ENDPOINT")
e = environment(HOME=tmp + "/home")
e.pop("XDG_CACHE_HOME")
tap.check(tap.run("pull", "o/mini", env=e)[1].decode().strip() == tmp + "/home/.cache/clipc/o/mini.clipc", "~/.cache")
tap.check(tap.run("pull", "o/mini", env=dict(e, XDG_CACHE_HOME="here"))[0] == 0 and not os.path.exists("here"), "a relative $XDG_CACHE_HOME is not used")
e.pop("HOME")
code, out, err = tap.run("pull", "o/mini", env=e)
tap.check(code == 1 and "XDG_CACHE_HOME" in err, "no cache: " + err.strip())
for name in ("mini", "o/mini/x", "../x", "o/..", "/etc/passwd", "o/", "", "-x/y", ".o/mini", "o/a b", "o/é", "o/mini@", "o/mini@../x", "o/mini@a//b",
             "o/" + "a" * 97, "o/mini.clipc", "o/a%2Fb", "o/a?b", "o/a#b", "http://x/y"):
    code, out, err = tap.run("pull", "--", name, env=environment())
    tap.check(code == 2, "pull %s: %s" % (name[:20], err.strip()[:150]))
for endpoint in ("file:///tmp", "ftp://x", "nothing", "http://me:secret@x", "http://", "http://" + "a" * 2000):
    code, out, err = tap.run("pull", "o/mini", "--endpoint", endpoint, env=environment())
    tap.check(code == 1 and "endpoint" in err or "address" in err, "--endpoint %s: %s" % (endpoint[:30], err.strip()[:150]))

# ---- A network that cuts ---------------------------------------------------------------------------------------------

third = len(tensors) // 3 + 1


def cuts(h, what, count):
    if what == WEIGHTS:
        h.file(tensors, cut=third)
        return True


def on(where, answer):
    """A trick that answers `where` for ever; times: so often."""
    def trick(h, what, count, times=1 << 30):
        if what == where and count < times:
            answer(h)
            return True
    return trick


def first(where, answer, times=1):
    return lambda h, what, count: on(where, answer)(h, what, count) if count < times else None


def resumed(p):
    return good(p) and [a[5] for a in p.of(WEIGHTS)] == [0, third, 2 * third] and \
        all(a[3]["If-Range"] for a in p.of(WEIGHTS)[1:])


later("cut twice, gone on with twice", "cut/mini", resumed, trick=cuts)
later("cut, and Range is ignored then", "norange/mini", lambda p: good(p) and [a[5] for a in p.of(WEIGHTS)] == [0, 0],
      trick=lambda h, w, c: w == WEIGHTS and (h.file(tensors, ranges=False, cut=third if c == 0 else None), True)[1])
other = bytes(reversed(tensors))
later("cut, and another version since: from its beginning", "changed/mini", lambda p: good(p) and [a[5] for a in p.of(WEIGHTS)] == [0, 0],
      trick=lambda h, w, c: w == WEIGHTS and (h.file(tensors if c else other, tag='"%d"' % c, cut=None if c else third), True)[1])
later("206 of other bytes than asked for", "shifted/mini", lambda p: good(p) and len(p.of(WEIGHTS)) == 3,
      trick=lambda h, w, c: w == WEIGHTS and c < 2 and (h.file(tensors, cut=None if c else third, said="bytes 5-%d/%d" % (len(tensors) - 1, len(tensors))), True)[1])
later("416 to a part", "e416/mini", lambda p: good(p) and len(p.of(WEIGHTS)) == 3,
      trick=lambda h, w, c: w == WEIGHTS and c < 2 and (h.answer(416) if c else h.file(tensors, cut=third), True)[1])


def closes(h):
    h.close_connection = True
    h.connection.shutdown(socket.SHUT_RDWR)


later("a list that is cut", "cutlist/mini", lambda p: good(p) and len(p.of("list")) == 2, trick=first("list", closes))
later("no answer at all, ever", "gone/mini", refuses("5 times", left=[]), trick=on("list", closes))
later("nobody listens", "o/mini", refuses("127.0.0.1"), "--endpoint", "http://127.0.0.1:1")
for status in (408, 425, 500, 502, 503):
    later("%d, then well" % status, "s%d/mini" % status, good, trick=first(WEIGHTS, lambda h, s=status: h.answer(s, b"no"), 2))
later("503 for ever", "s503ever/mini", lambda p: refuses("503, 5 times")(p) and len(p.of(WEIGHTS)) == 5, trick=on(WEIGHTS, lambda h: h.answer(503)))
later("429 with Retry-After: 2", "s429/mini", lambda p: good(p) and p.seconds > 2, trick=first("list", lambda h: h.answer(429, Retry_After="2")))
later("429 with Retry-After: a day", "s429day/mini", lambda p: refuses("429", "86400 s")(p) and p.seconds < 30,
      trick=on("list", lambda h: h.answer(429, Retry_After="86400")))
later("403 of an address that ran out, then well", "signed/mini", good, trick=first(WEIGHTS, lambda h: h.answer(403)))
later("401", "s401/mini", lambda p: refuses("401", "HF_TOKEN", left=[])(p) and len(p.asked) == 1, trick=on("list", lambda h: h.answer(401, b"{}")))
later("403 to a token", "s403/mini", lambda p: refuses("403", "terms")(p) and "hf_x" not in p.err, HF_TOKEN="hf_x", trick=on("list", lambda h: h.answer(403)))
later("404", "s404/mini", lambda p: refuses("no such model")(p) and len(p.asked) == 1, trick=on("list", lambda h: h.answer(404)))
later("404 of a file of the list", "s404file/mini", refuses("vocab.json", "404"), trick=on("hub vocab.json", lambda h: h.answer(404)))
for status in (204, 206, 304, 400, 418):
    later(str(status), "s%d/mini" % status, refuses(str(status)), trick=on("hub config.json", lambda h, s=status: h.answer(s)))


def slow(h):
    h.file(tensors, pause=0.3)


def stalls(h):
    h.send_response(200)
    h.send_header("Content-Length", str(len(tensors)))
    h.end_headers()
    free.wait(30)


later("one that stalls", "stalls/mini", lambda p: good(p) and p.seconds < 20, "--timeout", "1", trick=first(WEIGHTS, stalls))
later("one that never begins", "mute/mini", refuses("5 times"), "--timeout", "1", trick=on("list", lambda h: free.wait(30)))
judged()

# ---- A hub that lies -------------------------------------------------------------------------------------------------

wrong = bytearray(tensors)
wrong[-1] ^= 1


def lists(change):
    """A trick with another list of files."""
    def answer(h):
        j = listing(h.repository)
        body = change(j)
        h.answer(200, body if isinstance(body, bytes) else json.dumps(j).encode())
    return on("list", answer)


def weights_of(j):
    return next(s for s in j["siblings"] if s["rfilename"] == "model.safetensors")


def says(**what):
    def change(j):
        weights_of(j).update(what)
        weights_of(j)["lfs"].update({k: v for k, v in what.items() if k == "size"})
    return lists(change)


def unsaid(j):
    """No size and no hash, as a mirror may have it."""
    for s in j["siblings"]:
        s.pop("lfs", None)
        s.pop("size", None)


later("wrong bytes once", "wrong1/mini", lambda p: good(p) and "SHA-256" in p.err and len(p.of(WEIGHTS)) == 2,
      trick=first(WEIGHTS, lambda h: h.file(bytes(wrong))))
later("wrong bytes twice", "wrong2/mini", lambda p: refuses("SHA-256", hashlib.sha256(tensors).hexdigest())(p) and len(p.of(WEIGHTS)) == 2 and
      not any(n.startswith("model") for n in p.left()), trick=on(WEIGHTS, lambda h: h.file(bytes(wrong))))
later("the hash of the redirect is held too", "linked/mini", refuses("SHA-256"), trick=lambda h, w, c: lists(unsaid)(h, w, c) or
      on(WEIGHTS, lambda h: h.file(bytes(wrong)))(h, w, c))
later("a list without sizes and hashes", "unsaid/mini", good, trick=lists(unsaid))
later("a size that is too small", "small/mini", refuses("%d bytes are announced, but 10 are listed" % len(tensors)), trick=says(size=10))
later("a size that is too large", "large/mini", refuses("are listed"), trick=says(size=len(tensors) + 1))
later("of an exabyte", "exa/mini", lambda p: refuses("at most")(p) and not p.of(WEIGHTS), trick=says(size=10 ** 18))
later("a negative size", "minus/mini", good, trick=says(size=-5))
disk = os.statvfs(tmp)
if disk.f_bavail * disk.f_frsize < 120 << 30:
    later("more than the disk holds", "disk/mini", lambda p: refuses("the disk has room for")(p) and not p.of(WEIGHTS), trick=says(size=60 << 30))
else:
    tap.skip("more than the disk holds: it holds what no model has")


def chunked(h, piece, times):
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    try:
        for _ in range(times):
            h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    except OSError:
        return
    h.wfile.write(b"0\r\n\r\n")


def endless(h):
    chunked(h, b"x" * 65536, 1 << 20)


later("a body without end where the size is known", "endless/mini", refuses("more than %d bytes" % len(tensors)), trick=on(WEIGHTS, endless))
later("and where it is not", "endless2/mini", refuses("nobody says how large"), trick=lambda h, w, c: lists(unsaid)(h, w, c) or
      on("hub model.safetensors", endless)(h, w, c))
later("a config without end", "endless3/mini", refuses("config.json", "more than"), trick=lambda h, w, c: lists(unsaid)(h, w, c) or
      on("hub config.json", endless)(h, w, c))
later("a chunked body that ends well", "chunked/mini", good, trick=on(WEIGHTS, lambda h: chunked(h, tensors, 1)))
later("an empty config", "empty/mini", refuses("config.json"), trick=lambda h, w, c: lists(unsaid)(h, w, c) or on("hub config.json", lambda h: h.answer(200))(h, w, c))
later("a list without end", "list1/mini", refuses("longer than 16 MB", left=[]), trick=on("list", endless))
later("a list that is a page", "list2/mini", refuses("not JSON", left=[]), trick=lists(lambda j: b"<html>"))
later("an empty list", "list3/mini", refuses("not JSON"), trick=lists(lambda j: b""))
later("a list of nothing", "list4/mini", refuses("siblings"), trick=lists(lambda j: b'{"sha": 5}'))
later("deep JSON", "list5/mini", refuses("not JSON"), trick=lists(lambda j: b'{"siblings": ' + b"[" * 10 ** 6))
later("a NUL in a name", "list6/mini", refuses("not JSON"), trick=lists(lambda j: b'{"siblings": [{"rfilename": "model.safetensors\\u0000x"}]}'))
later("files of other kinds", "list7/mini", refuses("none of its files"), trick=lists(lambda j: j.update(siblings=[5, [], {}, {"rfilename": 7}, {"rfilename": "x.gguf"}])))
later("a hundred thousand files", "list8/mini", good, trick=lists(lambda j: j["siblings"].extend({"rfilename": "f%d" % i} for i in range(100000))))
later("a commit that leads elsewhere", "list9/mini", lambda p: good(p) and all("/resolve/main/" in a[4] for a in p.of("hub config.json")),
      trick=lists(lambda j: j.update(sha="../../../x")))
later("a commit that is none", "list10/mini", lambda p: good(p) and all("/resolve/main/" in a[4] for a in p.of("hub config.json")),
      trick=lists(lambda j: j.update(sha="abc")))
later("a size of the redirect, and another of the file", "linked2/mini", refuses("%d bytes are announced, but %d are listed" % (len(tensors) - 9, len(tensors))),
      trick=lambda h, w, c: lists(unsaid)(h, w, c) or on(WEIGHTS, lambda h: h.file(tensors[:-9]))(h, w, c))
later("heads without end", "heads/mini", refuses("5 times"), trick=on("list", lambda h: (h.send_response(200), [h.send_header("X%d" % i, "y" * 900) for i in range(100)],
                                                                                      h.end_headers())))
files = ["f%d.safetensors" % i for i in range(60000)] + ["z.safetensors"]
index = json.dumps({"weight_map": {"tensor %d" % i: "z.safetensors" for i in range(1000000)}}).encode()
later("a million tensors in one of 60,000 files", "sharded9/mini", lambda p: p.code == 1 and p.of("hub z.safetensors"),
      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (30, 30)),
      trick=lambda h, w, c: lists(lambda j: j["siblings"].extend({"rfilename": f} for f in files) or
                                  [s.update(size=len(index)) for s in j["siblings"] if "index" in s["rfilename"]] and None)(h, w, c) or
      on("hub model.safetensors.index.json", lambda h: h.file(index))(h, w, c))
for name, shard in (("up", "../../x.safetensors"), ("root", "/etc/passwd"), ("none", "none.safetensors"), ("number", 5)):
    other_index = json.dumps({"weight_map": {"a": shard}}).encode()
    later("an index that names %s" % shard, "sharded%s/mini" % name, refuses("not in the repository"), trick=lambda h, w, c, i=other_index: lists(
        lambda j: [s.update(size=len(i)) for s in j["siblings"] if "index" in s["rfilename"]] and None)(h, w, c) or
        on("hub model.safetensors.index.json", lambda h: h.file(i))(h, w, c))
judged()
tap.check(not os.path.exists(tmp + "/evil") and not any("evil" in a[4] or "passwd" in a[4] for a in asked), "nobody asked for, or wrote, what leads out of the folder")

# ---- Redirects -------------------------------------------------------------------------------------------------------


def to(where):
    return on("hub model.safetensors", lambda h: h.answer(302, b"", Location=where(h) if callable(where) else where))


for name, where in (("file", "file:///etc/passwd"), ("ftp", "ftp://127.0.0.1/x"), ("gopher", "gopher://127.0.0.1/x"), ("dict", "dict://127.0.0.1:11211/x")):
    later("a redirect to " + where, name + "/mini", refuses("neither https nor http"), trick=to(where))
later("to an address with a user", "user/mini", refuses("user's name"), trick=to(cdn.replace("//", "//a:b@") + "/x"))
later("in circles", "circle/mini", refuses("redirects more than"), trick=to(lambda h: h.path))
later("to nowhere", "nowhere/mini", refuses("302"), trick=on("hub model.safetensors", lambda h: h.answer(302)))
later("to another path of the hub", "moved/mini", good, trick=lambda h, w, c: w == "hub model.safetensors" and not h.path.endswith("?") and
      (h.answer(307, b"", Location=cdn + "/blob" + h.path), True)[1])
judged()
if shutil.which("openssl"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp + "/key.pem", "-out", tmp + "/cert.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp + "/cert.pem", tmp + "/key.pem")
    tls = Web(("127.0.0.1", 0), Hub)
    tls.socket = context.wrap_socket(tls.socket, server_side=True)
    threading.Thread(target=tls.serve_forever, daemon=True).start()
    secure = "https://127.0.0.1:%d" % tls.server_address[1]
    p = Pulled("tls/mini", "--endpoint", secure, SSL_CERT_FILE=tmp + "/cert.pem")
    tap.check(refuses("not https")(p) and not p.of(WEIGHTS), "from https to http: " + p.err.strip())
    tricks["tls/mini"] = to(lambda h: secure + "/blob" + h.path)
    p = Pulled("tls/mini", "--endpoint", secure, SSL_CERT_FILE=tmp + "/cert.pem", HF_TOKEN="t")
    tap.check(good(p) and len(p.of(WEIGHTS)) == 1 and p.of(WEIGHTS)[0][3]["Authorization"] == "Bearer t", "https all the way, one host")
    p = Pulled("o/mini", "--endpoint", secure)
    tap.check(refuses("certificate")(p) and not p.asked, "who is not trusted: " + p.err.strip())
else:
    tap.skip("https: no openssl to make a certificate")

# ---- Interrupted, at once, without room ------------------------------------------------------------------------------

half = len(tensors) // 2


def pauses(h, what, count):
    """The first time half of it comes, and then nothing."""
    if what == WEIGHTS and count == 0:
        h.file(tensors[:half], length=len(tensors), tag='"%s"' % hashlib.md5(tensors).hexdigest())
        free.wait(30)
        return True


def halfway(repository):
    """A pull that has written half of the tensors."""
    tricks[repository] = pauses
    env = environment()
    job = subprocess.Popen([tap.clipc, "pull", repository], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    part = "%s/clipc/%s/model.safetensors.part" % (env["XDG_CACHE_HOME"], repository)
    for _ in range(300):
        if os.path.exists(part) and os.path.getsize(part) == half:
            return job, env, part
        time.sleep(0.05)
    raise AssertionError(job.stderr.read())


for number in (signal.SIGINT, signal.SIGKILL):
    job, env, part = halfway("stop%d/mini" % number)
    second = Pulled("stop%d/mini" % number, cache=env["XDG_CACHE_HOME"]) if number == signal.SIGINT else None
    if second:
        tap.check(refuses("another clipc pull")(second) and not second.asked, "two of the same at once: " + second.err.strip())
    job.send_signal(number)
    tap.check(job.wait() == -number and os.path.getsize(part) == half, "signal %d leaves half of it" % number)
    p = Pulled("stop%d/mini" % number, cache=env["XDG_CACHE_HOME"])
    tap.check(good(p) and [a[5] for a in p.of(WEIGHTS)] == [half], "which the next pull goes on with")
job, env, part = halfway("stale/mini")
job.kill()
job.wait()
open(part, "r+b").write(b"damaged")
p = Pulled("stale/mini", cache=env["XDG_CACHE_HOME"])
tap.check(good(p) and [a[5] for a in p.of(WEIGHTS)] == [half, 0], "a part that was damaged: " + p.err.strip())
job, env, part = halfway("long/mini")
job.kill()
job.wait()
open(part, "ab").write(tensors)
p = Pulled("long/mini", cache=env["XDG_CACHE_HOME"])
tap.check(good(p) and [a[5] for a in p.of(WEIGHTS)] == [0], "a part that is too long is begun anew")


def limited():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (half, half))


e = environment()
code, out, err = tap.run("pull", "o/mini", env=e, preexec_fn=limited)
tap.check(code == 1 and out == b"" and "model.safetensors" in err and "cannot write" in err and
          os.listdir(e["XDG_CACHE_HOME"] + "/clipc/o") == ["mini"], "a file that may not grow: " + err.strip())
p = Pulled("o/mini", cache=e["XDG_CACHE_HOME"])
tap.check(good(p) and [a[5] for a in p.of(WEIGHTS)] == [half], "and afterwards from there")
tricks["model/mini"] = on("hub config.json", lambda h: h.file(json.dumps(dict(json.loads(plain["config.json"]), model_type="blip")).encode()))
tricks["model/mini"] = lambda h, w, c, f=tricks["model/mini"]: lists(unsaid)(h, w, c) or f(h, w, c)
p = Pulled("model/mini")
tap.check(p.code == 1 and "blip" in p.err and "stays in " + p.folder in p.err and p.file is None and "model.safetensors" in p.left(),
          "what convert does not know: " + p.err.strip())
if os.getuid() != 0:
    os.makedirs(tmp + "/locked", 0o500)
    p = Pulled("o/mini", cache=tmp + "/locked")
    tap.check(refuses("cannot make this folder")(p), "a cache that is not ours: " + p.err.strip())
open(tmp + "/file", "w").close()
p = Pulled("o/mini", cache=tmp + "/file")
tap.check(p.code == 1 and "cannot make this folder" in p.err, "a cache that is a file: " + p.err.strip())

# ---- Which file of tensors -------------------------------------------------------------------------------------------


def chosen(repository, files, config):
    """The files that are asked for of a repository with these; config: what config.json says."""
    def trick(h, what, count):
        if what == "list":
            h.answer(200, json.dumps({"siblings": [{"rfilename": n} for n in files]}).encode())
        elif "config" in what:
            h.file(json.dumps(config).encode())
        else:
            h.answer(404)
        return True
    tricks[repository] = trick
    p = Pulled(repository)
    return [a[2][4:] for a in p.asked if a[2] != "list" and "config" not in a[2]]


# timm keeps the image tower alone beside OpenCLIP's whole model.
CLIP, TIMM, OC = ["config.json"], {"architecture": "vit_base_patch16_clip_224"}, ["open_clip_config.json", "open_clip_pytorch_model.bin"]
for i, (files, config, expected) in enumerate((
        (CLIP + ["pytorch_model.bin", "model.safetensors"], {"model_type": "clip"}, "model.safetensors"),
        (CLIP + ["pytorch_model.bin", "model.safetensors.index.json"], {"model_type": "clip"}, "model.safetensors.index.json"),
        (CLIP + ["pytorch_model.bin.index.json", "flax_model.msgpack"], {"model_type": "clip"}, "pytorch_model.bin.index.json"),
        (CLIP + ["pytorch_model.bin"] + OC, {"model_type": "clip"}, "pytorch_model.bin"),
        (CLIP + ["model.safetensors"] + OC, TIMM, "open_clip_pytorch_model.bin"),
        (CLIP + ["model.safetensors", "open_clip_model.safetensors"] + OC, TIMM, "open_clip_model.safetensors"),
        (["open_clip_model.safetensors"] + OC, None, "open_clip_model.safetensors"),
        (["model.safetensors", "open_clip_config.json"], None, "model.safetensors"),
        (["open_clip_model.safetensors", "vocab.txt", "README.md"] + OC, None, "vocab.txt"))):  # BERT's words, before the tensors
    got = chosen("choose%d/mini" % i, files, config)
    tap.check(got == [expected], "of %s: %s" % (" ".join(files), got))

# ---- A terminal sees a bar -------------------------------------------------------------------------------------------

tricks["bar/mini"] = first(WEIGHTS, lambda h: h.file(tensors, pause=0.06))
main, side = pty.openpty()
job = subprocess.Popen([tap.clipc, "pull", "bar/mini"], env=environment(), stdout=subprocess.DEVNULL, stderr=side)
os.close(side)
seen = b""
try:
    while True:
        more = os.read(main, 65536)
        if not more:
            break
        seen += more
except OSError:
    pass
seen = seen.decode()
bars = re.findall(r"\rmodel\.safetensors  (\d\.\d) of (\d\.\d) MB  \d+\.\d MB/s  \d+ s left  (█*[▏▎▍▌▋▊▉]?)\x1b\[K", seen)
tap.check(job.wait() == 0 and len(bars) > 3 and len(bars[0][2]) < len(bars[-1][2]) <= 20 and seen.endswith("\r\x1b[K"),
          "%d bars, from %s to %s, and they are gone at the end" % (len(bars), bars[:1], bars[-1:]))
free.set()
hub_server.shutdown()
cdn_server.shutdown()
tap.done()
