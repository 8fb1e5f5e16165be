"""Mutated bytes at the socket of a `clipc serve` that is built with AddressSanitizer and UBSan: it must neither die,
nor leak, nor stop to answer others.  What was sent last before it died is kept beside the build.

usage: CLIPC_BUILD=build/fuzz python3 tests/fuzz_http.py SECONDS [SEED]"""
import os
import random
import select
import socket
import struct
import sys
import time

import serving
import tap

seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
rng = random.Random(seed)
folder = "tests/corpus/http"
seeds = [open(os.path.join(folder, n), "rb").read() for n in sorted(os.listdir(folder))]
words = [b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b":", b"%00", b"%", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"/", b"?",
         b"Content-Length: 0\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: -1\r\n", b"Expect: 100-continue\r\n",
         b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Host: b\r\n", b"0\r\n\r\n",
         b"ffffffff\r\n", b"Content-Type: image/png\r\n", b"X-Request-Id: " + b"a" * 64, b"Cookie: a=b; c", b"Authorization: Bearer ",
         b"Upgrade: h2c\r\n", b"GET ", b"POST ", b"OPTIONS * ", b"\xff\xfe", b"a" * 70000, b"{" * 3000, b'{"text":"a"}']


def mutate(data):
    data = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0 and data:
            data[at - 1] = rng.randrange(256)
        elif kind == 1:
            data[at:at] = rng.choice(words)
        elif kind == 2:
            del data[at:at + rng.choice((1, 2, 10, 1000))]
        elif kind == 3:
            data[at:at] = data[at:at + rng.choice((1, 10, 100))] * rng.choice((1, 2, 50))
        elif kind == 4:
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other) + 1):]
        elif kind == 5:
            data += rng.choice(seeds)
        elif kind == 6:
            data[at:at + 4] = b"%d" % rng.choice((0, 1, 127, 255, 65536, 2**31 - 1, 2**32, 2**63))
        elif data:
            data[at - 1] ^= 1 << rng.randrange(8)
    return bytes(data)


def send(data):
    """As a client that may be slow, may close its side, may go away; reads only what is there."""
    s = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    how = rng.randrange(6)
    pieces = [data] if how else [data[i:i + 7] for i in range(0, min(len(data), 140), 7)] + [data[140:]]
    try:
        for piece in pieces:
            s.sendall(piece)
        if how == 1:
            s.shutdown(socket.SHUT_WR)
        if how == 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif select.select([s], [], [], 0.05)[0]:
            s.recv(1 << 20)
    except OSError:
        pass
    s.close()


server = serving.Server("--deadline", "3", "--max-body", "1", "--batch", "2", "--log", "json", "--cors", "https://a.example",
                        CLIPC_MODEL="tests/corpus/weights/tiny")
if server.port is None:
    raise SystemExit("no server: " + server.text)
ends, n, recent, most = time.time() + seconds, 0, [], 0
for data in seeds:
    send(data)
while time.time() < ends:
    data = mutate(rng.choice(seeds))
    recent = recent[-200:] + [data]
    try:
        send(data)
        healthy = n % 50 or server.ask("GET", "/healthz")[0] == 200
    except OSError as e:
        healthy = False
        print("no answer: %r" % e)
    if not healthy or server.process.poll() is not None:
        break
    n += 1
    most = max(most, server.memory())
healthy = server.process.poll() is None
code = server.stop() if healthy else server.process.poll()
print("%d requests of seed %d, %.0f MB at most, ended with %s" % (n, seed, most, code))
if code != 0:
    for i, data in enumerate(recent):
        open(os.path.join(tap.build, "http-%03d" % i), "wb").write(data)
    server.log.seek(0)
    log = server.log.read().decode("utf-8", "replace")
    print("\n".join(x for x in log.split("\n") if not x.startswith("{"))[-6000:])
sys.exit(code != 0)
