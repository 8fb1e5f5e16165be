"""Clients of `clipc serve` that mean no good: each gets the right status or is cut, in bounded time and memory, while
a neighbour asks on and always has the vector that is right.  Time is the server's CPU time: a busy machine does not
change it."""
import base64
import concurrent.futures
import gzip
import http.client
import io
import json
import os
import socket
import struct
import threading
import time
import zlib

import numpy as np
from PIL import Image

import serving
import tap

serving.wanted()
server = serving.Server("--log", "json")
MB = 1 << 20
SLACK = 8 if b"-fsanitize" in tap.run("info", "--build")[1] else 1  # what the sanitizers' own time and memory may cost
pid = server.process.pid


def cpu_seconds():
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory():
    """MB that were resident at most since the last clear_peak."""
    return [int(x.split()[1]) / 1024 for x in open("/proc/%d/status" % pid) if x.startswith("VmHWM")][0]


def clear_peak():
    open("/proc/%d/clear_refs" % pid, "w").write("5")


class Cost:
    """with Cost() as c: ...; then c.cpu seconds and c.memory MB more than before"""

    def __enter__(self):
        clear_peak()
        self.before, self.begun = server.memory(), cpu_seconds()
        return self

    def __exit__(self, *_):
        self.cpu, self.memory = (cpu_seconds() - self.begun) / SLACK, (peak_memory() - self.before) / SLACK


class Neighbour(threading.Thread):
    """Asks as long as the test runs; wrong: the answers that were not what they should be."""

    def __init__(self):
        super().__init__(daemon=True)
        self.wrong, self.right, self.ends = [], 0, False
        self.want = server.post("/clip/embed_image", {"image": good})[1]["embeddings"]

    def run(self):
        while not self.ends:
            try:
                status, got = server.post("/clip/embed_image", {"image": good})
            except (OSError, http.client.HTTPException) as e:
                status, got = 0, {"error": repr(e)}
            if status == 200 and got["embeddings"] == self.want:
                self.right += 1
            else:
                self.wrong.append((status, str(got)[:100]))
            time.sleep(0.05)


def image(kind, pixels):
    f = io.BytesIO()
    Image.fromarray(pixels).save(f, kind)
    return f.getvalue()


noise = np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8)
good = {"type": "base64", "value": base64.b64encode(image("PNG", noise)).decode()}
text = b'{"text":"a red circle"}'
head = b"POST /clip/embed_text HTTP/1.1\r\nHost: a\r\n"
whole = head + b"Content-Length: %d\r\n\r\n" % len(text) + text
neighbour = Neighbour()
neighbour.start()


def statuses(answer):
    """The statuses of the answers that follow one another in these bytes."""
    found = []
    while answer.startswith(b"HTTP/1.1 "):
        top, _, rest = answer.partition(b"\r\n\r\n")
        found.append(int(top.split()[1]))
        lengths = [x for x in top.lower().split(b"\r\n") if x.startswith(b"content-length:")]
        answer = rest[int(lengths[0].split(b":")[1]):] if lengths else b""
    return found


def talk(data):
    """All that comes back; once something has come, silence is the end."""
    s = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    got = b""
    try:
        s.sendall(data)
        while piece := s.recv(65536):
            got += piece
            s.settimeout(1.5)
    except (ConnectionError, socket.timeout):
        pass
    s.close()
    return got


# ---- Bodies too large -----------------------------------------------------------------------------------------

with Cost() as c:
    got = [statuses(server.raw(head + b"Content-Length: %d\r\n\r\n" % (100 * MB) + b"x" * n)) for n in (0, MB)]
tap.check(got == [[413]] * 2 and c.memory < 20, "a body of 100 MB is refused by its head: %s, %.0f MB" % (got, c.memory))
got = server.raw(head + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (100 * MB))
tap.check(b"100 Continue" not in got and statuses(got) == [413], "who asks before sending it is not told to go on")
with Cost() as c:
    got = server.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"100000\r\n" + b"x" * MB + b"\r\n") * 100, 60)
tap.check(statuses(got) in ([], [413]) and c.memory < 100 and c.cpu < 5,
          "100 MB in chunks: %s, %.0f MB, %.1f s" % (statuses(got), c.memory, c.cpu))
for size in (b"-1", b"ffffffffffffffff", b"1" * 40, b"xyz", b"0x10", b""):
    got = talk(head + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nabc\r\n0\r\n\r\n")
    tap.check(200 not in statuses(got), "a chunk of size %r: %s" % (size[:20], statuses(got)))
for encoding in (b"gzip", b"gzip, chunked", b"xchunked", b"identity", b"chunked, chunked"):
    got = talk(head + b"Transfer-Encoding: " + encoding + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    tap.check(statuses(got)[:1] in ([400], [501]), "Transfer-Encoding: %s: %s" % (encoding.decode(), statuses(got)))

# ---- Connections ------------------------------------------------------------------------------------------------


def half_closed(data):
    """The statuses that come to a client that sends, then closes its sending side; "open" if it is not cut."""
    s = socket.create_connection(("127.0.0.1", strict.port), timeout=60)
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    got = b""
    try:
        while piece := s.recv(65536):
            got += piece
    except socket.timeout:
        return "open"
    except OSError:
        pass
    s.close()
    return statuses(got)


strict = serving.Server("--deadline", "2")
got = [half_closed(whole) for _ in range(5)]
tap.check("open" not in got and all(set(g) <= {200, 499} for g in got), "half-closed connections are ended: %s" % got)
got = [half_closed(whole[:n]) for n in (0, 10, len(head), len(whole) - 5)]
tap.check("open" not in got and not any(200 in g for g in got), "also when the request is not whole: %s" % got)
large = json.dumps({"input": ["a"] * 2048}).encode()
large = head.replace(b"clip/embed_text", b"v1/embeddings") + b"Content-Length: %d\r\n\r\n" % len(large) + large
readers = [socket.create_connection(("127.0.0.1", strict.port)) for _ in range(25)]
before = strict.memory()
for s in readers:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.sendall(large)
most, ends = 0, time.time() + 300
while time.time() < ends and len(os.listdir("/proc/%d/fd" % strict.process.pid)) > 40:
    most = max(most, strict.memory())
    time.sleep(0.05)
left = len(os.listdir("/proc/%d/fd" % strict.process.pid))
tap.check(left <= 40 and (most - before) / SLACK < 250, "25 clients that ask for megabytes and read none are cut: %d open files, "
          "%.0f MB at most" % (left, most - before))
for s in readers:
    s.close()
tap.check(strict.stop() == 0, "and that server ends with 0")
last = whole.replace(b"Host: a", b"Host: a\r\nConnection: close")
tap.check(statuses(server.raw(whole * 3 + last)) == [200] * 4, "four requests in one piece have four answers")
for garbage in (b"\0" * 100, b"GARBAGE\r\n\r\n", b"\xff" * 300 + b"\r\n\r\n", b"GET  / HTTP/1.1\r\n: \r\n\r\n", b"}" * 5000):
    got = statuses(talk(whole + garbage))
    tap.check(got[:1] == [200] and not set(got[1:]) - {400, 405, 414, 431, 501}, "garbage behind a request: %s" % got)
hidden = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
for name, data in (("a length of 0 and a body", head + b"Content-Length: 0\r\n\r\n" + b"x" * 3),
                   ("a space before the colon", head + b"Content-Length : %d\r\n\r\n" % len(hidden) + hidden),
                   ("a folded length", head + b"Content-Length:\r\n %d\r\n\r\n" % len(hidden) + hidden),
                   ("a header without a name", head + b": 1\r\nContent-Length: %d\r\n\r\n" % len(hidden) + hidden),
                   ("a length of 0x23", head + b"Content-Length: 0x23\r\n\r\n" + hidden),
                   ("a length of +2", head + b"Content-Length: +2\r\n\r\n{}"),
                   ("two kinds of length", head + b"Content-Length: 5\r\nTransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + hidden)):
    got = talk(data)
    tap.check(b"clipc_build_info" not in got, "%s smuggles nothing: %s" % (name, statuses(got)))
fds = len(os.listdir("/proc/%d/fd" % pid))
for _ in range(100):
    s = socket.create_connection(("127.0.0.1", server.port))
    s.sendall(whole)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
for _ in range(100):
    if len(os.listdir("/proc/%d/fd" % pid)) <= fds + 3:
        break
    time.sleep(0.1)
left = len(os.listdir("/proc/%d/fd" % pid)) - fds
tap.check(left <= 3, "100 clients that reset their connections leave %d open files" % left)

# ---- What JSON can do ----------------------------------------------------------------------------------------------

routes = ["/clip/embed_image", "/clip/embed_text", "/clip/compare", "/v1/embeddings", "/v1/classify", "/embed",
          "/similarity", "/model/add", "/model/remove"]
million = "{" + ",".join('"k%d":%d' % (i, i) for i in range(1000000)) + "}"
deep = {"brackets": "[" * 100000, "objects": '{"a":' * 100000, "both, closed": '{"text":' + "[" * 100000 + "]" * 100000 + "}"}
with Cost() as c:
    got = {server.ask("POST", route, million)[0] for route in routes[1:7:2]}
tap.check(got <= {400, 422} and c.memory < 150 and c.cpu < 6, "a million keys, on three routes: %s, %.0f MB, %.1f s"
          % (got, c.memory, c.cpu))
for name, body in deep.items():
    got = {server.ask("POST", route, body)[0] for route in routes}
    tap.check(got <= {400, 422}, "100,000 deep, %s: %s" % (name, got))
ones = '{"input":[' + "1," * (3 * MB) + "1]}"
with Cost() as c, concurrent.futures.ThreadPoolExecutor(4) as pool:
    got = {r[0] for r in pool.map(lambda _: server.ask("POST", "/v1/embeddings", ones), range(4))}
tap.check(got <= {400, 422, 503} and c.memory < 200, "4 x 3 million numbers at once: %s, %.0f MB" % (got, c.memory))
for name, body in (("in a text", b'{"text":"a\0b"}'), ("in a key", b'{"te\0xt":"a"}'), ("all", b"\0" * 1000),
                   ("behind", text + b"\0"), ("escaped in a key", b'{"te\\u0000xt":"a"}')):
    status = server.ask("POST", "/clip/embed_text", body)[0]
    tap.check(status in (400, 422), "U+0000 %s: %d" % (name, status))
for value in ("A" * 400001, "=" * 100000, "A===", "\u00e9" * 1000, "data:image/png;base64,", "data:image/png;base64,@@@@"):
    status, got = server.post("/clip/embed_image", {"image": {"type": "base64", "value": value}})
    tap.check(status == 400 and got["message"], "base64 %.30s...: %d" % (value.encode(), status))

# ---- Pictures that unfold --------------------------------------------------------------------------------------------


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


zeros = zlib.compressobj(9)
packed = b"".join(zeros.compress(bytes(MB)) for _ in range(400)) + zeros.flush()  # 400 MB in 400 KB
plain = image("PNG", noise)


def with_chunk(kind, data):
    return plain[:33] + png_chunk(kind, data) + plain[33:]


huge = serving.png(5600, 5600, b"\0" * 100)
gif = b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0" + struct.pack("<HH", 65535, 65535)
bombs = {
    "IDAT of 400 MB": (plain[:33] + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b""), {200, 400}),
    "an XMP text of 400 MB": (with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed), {200, 400}),
    "a text of 400 MB": (with_chunk(b"zTXt", b"Raw profile type exif\0\0" + packed), {200, 400}),
    "a colour profile of 400 MB": (with_chunk(b"iCCP", b"a\0\0" + packed), {200, 400}),
    "31 million pixels that are not there": (huge, {400}),
    "a GIF of 4 billion pixels": (gif + b"\0\2\2\x44\1\0;", {400}),
    "a chunk of 2 GB": (plain[:33] + struct.pack(">I", 0x7fffffff) + b"IDAT" + plain[41:], {200, 400}),
    "BMP of 2 billion rows": (b"BM" + struct.pack("<IIIIiiHHIIIIII", 100, 0, 54, 40, 1, 2**31 - 1, 1, 24, 0, 0, 0, 0, 0, 0), {400}),
    "PNM of 10^18 pixels": (b"P6\n1000000000 1000000000\n255\nabc", {400}),
    "WebP of 16383 x 16383": (b"RIFF\x20\0\0\0WEBPVP8L\x14\0\0\0/\xfe\xff\xff\x0f" + b"\0" * 15, {400}),
}
for name, (data, want) in bombs.items():
    with Cost() as c:
        status = server.ask("POST", "/clip/embed_image", data, {"Content-Type": "image/png"})[0]
    tap.check(status in want and c.memory < 250 and c.cpu < 8, "%s (%d KB): %d, %.0f MB, %.1f s"
              % (name, len(data) >> 10, status, c.memory, c.cpu))
for data in (gzip.compress(text), gzip.compress(b" " * (50 * MB))):
    status = server.ask("POST", "/clip/embed_text", data, {"Content-Encoding": "gzip"})[0]
    tap.check(status in (400, 415, 422), "a body in gzip is not unpacked: %d" % status)


def scans(n, side=8000):
    """A progressive JPEG of one gray plane: a bit for each block, then n scans of a few bytes that touch them all."""
    def segment(marker, data):
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data
    blocks = (side // 8) ** 2
    bits = "0" * blocks
    first = int(bits + "1" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")
    runs = "".join("0" + format(r, "014b") for r in [16383] * (blocks // 32767) + [blocks % 32767 - 16384
                                                                                  if blocks % 32767 > 16383 else 0])
    rest = int(runs + "1" * (-len(runs) % 8), 2).to_bytes((len(runs) + 7) // 8, "big").replace(b"\xff", b"\xff\0")
    out = b"\xff\xd8" + segment(0xdb, b"\0" + b"\1" * 64)
    out += segment(0xc2, b"\x08" + struct.pack(">HHB", side, side, 1) + b"\1\x11\0")
    out += segment(0xc4, b"\0" + bytes([1] + [0] * 15) + b"\0") + segment(0xc4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0")
    out += segment(0xda, b"\1\1\0\0\0\0") + first.replace(b"\xff", b"\xff\0")
    for i in range(n):
        out += segment(0xda, b"\1\1\0" + bytes([1 + i % 63, 1 + i % 63, 0])) + rest
    return out + b"\xff\xd9"


long = scans(200, 5600)
with Cost() as c:
    status = server.ask("POST", "/clip/embed_image", long, {"Content-Type": "image/jpeg"})[0]
tap.check(status == 400 and c.cpu < 8, "a JPEG of %d KB and 200 scans: %d, %.1f s" % (len(long) >> 10, status, c.cpu))
status = server.ask("POST", "/clip/embed_image", scans(3, 800), {"Content-Type": "image/jpeg"})[0]
tap.check(status == 200, "the same of 3 scans and 800 x 800 pixels is a picture: %d" % status)

# ---- Paths, headers, logs ----------------------------------------------------------------------------------------------

paths = [b"/../../../../etc/passwd", b"/page/../../../../etc/passwd", b"/page/%2e%2e/%2e%2e/etc/passwd", b"//etc/passwd",
         b"/page/..%2f..%2fetc%2fpasswd", b"/page/app.js/../../etc/passwd", b"/page/", b"/page/\xc0\xae\xc0\xae/etc/passwd",
         b"/start/clip/../../../../etc/passwd", b"/start/clip//etc/passwd", b"/page/app.js%00.css", b"/healthz%00",
         b"/%0d%0aX-Evil:%201", b"/start/clip/%0d%0aX-Evil:%201", b"/" + b"a" * 30000, b"/?" + b"a&" * 20000]
wrong = []
for path in paths:
    got = server.raw(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    answer = statuses(got)
    known = {200, 400, 404, 414, 431} if path.startswith(b"/?") else {400, 404, 414, 431}
    if len(answer) > 1 or (not answer and len(path) < 9999) or not set(answer) <= known or b"root:" in got or b"\r\nX-Evil" in got:
        wrong.append((path[:40], answer, got[:200]))
tap.check(not wrong, "%d paths lead nowhere %s" % (len(paths), wrong[:3]))
wrong = []
for name, line in (("id", b"X-Request-Id: a\rX-Evil: 1"), ("id folded", b"X-Request-Id: a\r\n X-Evil: 1"),
                   ("id with %", b"X-Request-Id: a%0d%0aX-Evil: 1"), ("id long", b"X-Request-Id: " + b"a" * 5000),
                   ("id of bytes", b"X-Request-Id: \xff\xfe\x01"), ("origin", b"Origin: https://a\rX-Evil: 1"),
                   ("NUL", b"X-Request-Id: a\0b"), ("no colon", b"X-Evil"), ("no name", b": 1"), ("many", b"A: 1\r\n" * 900 + b"B: 1")):
    got = talk(head + line + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(text) + text)
    top = got.split(b"\r\n\r\n")[0]
    if set(statuses(got)) - {200, 400, 422, 431} or b"\nX-Evil" in top or b"\rX-Evil" in top:
        wrong.append((name, statuses(got), top[:200]))
tap.check(not wrong, "no header of a request becomes one of the answer %s" % wrong[:3])
patient = serving.Server("--deadline", "50")
query = socket.create_connection(("127.0.0.1", patient.port), timeout=2)
query.sendall(b"GET /?" + b"a&" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
try:  # more arguments than its memory for a head holds: such a request the library never ends
    query.recv(1000)
except OSError:
    pass
query.close()
begun = time.monotonic()
tap.check(patient.stop() == 0 and time.monotonic() - begun < 30,  # what is in flight is given 50 seconds
          "a query of 20,000 arguments is not in flight for ever")
for field, path in (("clip_version_id", "/clip/embed_text"), ("model", "/v1/embeddings"), ("model_id", "/model/add")):
    body = {field: "x\r\nX-Evil: 1\r\n\r\n<b>", "text": "a", "input": "a"}
    status, headers, data = server.ask("POST", path, body)
    tap.check(status == 404 and "x-evil" not in headers and json.loads(data), "nor does a %s: %d" % (field, status))
for kind in ("text/html", "image/", "image/svg+xml", "multipart/form-data; boundary=x", "application/json; a=" + "b" * 3000, "\xff"):
    status = server.ask("POST", "/clip/embed_image", b"<svg/>", {"Content-Type": kind})[0]
    tap.check(status in (400, 415, 422), "Content-Type %.40s: %d" % (ascii(kind), status))

# ---- And after all that ----------------------------------------------------------------------------------------------------

clear = server.memory()
neighbour.ends = True
neighbour.join(60)
tap.check(not neighbour.wrong and neighbour.right > 5, "the neighbour had its %d vectors %s" % (neighbour.right,
                                                                                             neighbour.wrong[:3]))
tap.check(server.stop() == 0, "and the server, of %.0f MB then, ends with 0" % clear)
server.log.seek(0)
lines = [x for x in server.log.read().split(b"\n") if x and not x.startswith(b"clipc: serving")]


def is_object(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


odd = [x for x in lines if not is_object(x)]
tap.check(not odd, "each of %d lines of the log is JSON %s" % (len(lines), odd[:3]))
tap.done()
