"""Figures of `clipc serve` under load, beside those of `clipc bench` on the same machine in the same minutes.  It
asserts nothing about time, because a shared machine's figures mean little alone; it fails when an answer is lost or
is neither 200 nor 503.

usage: python3 tests/load_serve.py [--seconds N] [--rounds N] [--soak SECONDS] [--model FILE] [-- OPTIONS OF SERVE]

Server and bench take turns, so that what else the machine does hits both alike; beside that stands the CPU time of a
picture, which a busy machine hardly changes, in the server and in `clipc embed` of the same files.  --soak goes on with the full load
for so long and prints the memory every tenth of it."""
import argparse
import asyncio
import io
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import time

import numpy as np
from PIL import Image

import serving
import tap

BATCH, CLIENTS, IDLE = 8, 40, 500
lost = 0


# ---- Clients -----------------------------------------------------------------------------------------------

def request(method, path, body=b"", kind="application/json"):
    return b"%s %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        method.encode(), path.encode(), kind.encode(), len(body), body)


class Client:
    """One connection that is kept, and opened again where the server closes it."""

    def __init__(self, port):
        self.port, self.reader, self.writer, self.opened = port, None, None, 0

    async def ask(self, data):
        """The status of the answer; 0: none came."""
        global lost
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
                self.opened += 1
            self.writer.write(data)
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            await self.reader.readexactly(length)
            if b"connection: close" in head:
                self.close()
            return int(head.split()[1])
        except (OSError, EOFError, IndexError) as e:
            lost += 1
            print("  lost an answer: %r" % e)
            self.close()
            return 0

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.writer = None


def probe_health(port, ends, pipe):
    """Asks /healthz 50 times a second, from a process of its own: milliseconds of each answer."""
    client, took = Client(port), []

    async def run():
        while not ends.is_set():
            begun = time.perf_counter()
            if await client.ask(request("GET", "/healthz")) != 200:
                took.append(float("inf"))
            took.append(1e3 * (time.perf_counter() - begun))
            await asyncio.sleep(0.02)
    asyncio.run(run())
    pipe.send(took)


class Health:
    """with Health(port) as h: load; then h.took"""

    def __init__(self, port):
        self.ends, (self.pipe, end) = multiprocessing.Event(), multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=probe_health, args=(port, self.ends, end))

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.took = sorted(self.pipe.recv())
        self.process.join()

    def __str__(self):
        n = len(self.took)
        return "/healthz: median %.1f ms, p99 %.1f ms, worst %.1f ms of %d" % (
            self.took[n // 2], self.took[n * 99 // 100], self.took[-1], n)


# ---- The server, seen from outside ---------------------------------------------------------------------------

def picture(seed):
    """A frame as the page sends them: JPEG, 336 pixels."""
    f = io.BytesIO()
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8))
    small.resize((336, 336), Image.BICUBIC).save(f, "JPEG", quality=90)
    return f.getvalue()


def metrics(server):
    """Sums over models of the server's own counters."""
    sums = {}
    for line in server.ask("GET", "/metrics")[2].decode().splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(None, 1)
            name = name.split("{")[0]
            sums[name] = sums.get(name, 0) + float(value)
    return sums


async def full_load(port, images, seconds):
    """CLIENTS ask, each again as soon as it has its answer: answers by status."""
    seen, ends = {}, time.monotonic() + seconds

    async def one(i):
        client = Client(port)
        while time.monotonic() < ends:
            status = await client.ask(request("POST", "/clip/embed_image", images[i % len(images)], "image/jpeg"))
            seen[status] = seen.get(status, 0) + 1
        client.close()
    await asyncio.gather(*(one(i) for i in range(CLIENTS)))
    return seen


async def many_connections(port, images, seconds):
    """IDLE connections that are kept, each asking now and then, under full load: (answers, connections opened)."""
    seen, clients, ends = {}, [Client(port) for _ in range(IDLE)], time.monotonic() + seconds

    async def one(i):
        await asyncio.sleep(seconds / 4 * i / IDLE)
        while time.monotonic() < ends:
            status = await clients[i].ask(request("GET", "/info") if i % 2 else
                                          request("POST", "/clip/embed_text", b'{"text": "a red circle"}'))
            seen[status] = seen.get(status, 0) + 1
            await asyncio.sleep(seconds / 4)
    await asyncio.gather(full_load(port, images, seconds), *(one(i) for i in range(IDLE)))
    for c in clients:
        c.close()
    return seen, sum(c.opened for c in clients)


async def overload(port, images, rate, seconds):
    """`rate` requests a second, whatever becomes of those before: answers by status."""
    seen, free, running = {}, [], []
    begun = time.monotonic()

    async def one(i):
        client = free.pop() if free else Client(port)
        status = await client.ask(request("POST", "/clip/embed_image", images[i % len(images)], "image/jpeg"))
        seen[status] = seen.get(status, 0) + 1
        free.append(client)
    for i in range(int(rate * seconds)):
        await asyncio.sleep(max(0, begun + i / rate - time.monotonic()))
        running.append(asyncio.ensure_future(one(i)))
    await asyncio.gather(*running)
    took = time.monotonic() - begun
    for c in free:
        c.close()
    return seen, took


def cpu_of(pid):
    """Seconds of CPU that a process took so far."""
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def embed_cpu(model, images, options):
    """Milliseconds of CPU for a picture in one process that has all of them; what it takes to start is left out."""
    took = []
    for i, data in enumerate(images):
        open("%s/%d.jpg" % (serving.tmp, i), "wb").write(data)
    files = ["%s/%d.jpg" % (serving.tmp, i) for i in range(len(images))]
    for some in (files[:BATCH], files * 3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([tap.clipc, "embed", "-m", model, "--batch", str(BATCH), "--jsonl"] + options + some,
                       stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1e3 * (took[1] - took[0]) / (3 * len(images) - BATCH)


def bench(model, options):
    """Pictures a second of `clipc bench`, in batches of BATCH, by the best kernel set."""
    out = subprocess.run([tap.clipc, "bench", "--whole", "--json", "-m", model, "--kernels", tap.kernel_sets()[0]] +
                         options, stdout=subprocess.PIPE, check=True).stdout
    rows = [r for r in json.loads(out) if r.get("encode") == "image" and r["batch"] == BATCH]
    return max(r["per_second"] for r in rows if r["threads"] == max(x["threads"] for x in rows))


# ---- All of it -------------------------------------------------------------------------------------------------

def one_round(server, images, args):
    """Pictures a second."""
    before, begun, cpu = metrics(server), time.monotonic(), cpu_of(server.process.pid)
    with Health(server.port) as health:
        seen = asyncio.run(full_load(server.port, images, args.seconds))
    took, after = time.monotonic() - begun, metrics(server)
    change = {k: after[k] - before.get(k, 0) for k in after}
    rate = seen.get(200, 0) / took
    print("  serve: %.2f pictures/s; batches of %.2f; in the network %.0f %% of the time; %.1f ms of CPU for each; %s" % (
        rate, change["clipc_images_total"] / max(1, change["clipc_batches_total"]),
        100 * change["clipc_encode_seconds_total"] / took,
        1e3 * (cpu_of(server.process.pid) - cpu) / max(1, seen.get(200, 0)), health), flush=True)
    if set(seen) != {200}:
        print("  answers: %s" % seen)
    return rate


def main():
    global lost
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each phase")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", type=float, default=0)
    parser.add_argument("--threads", default=None)
    parser.add_argument("--model", default=os.path.join(tap.build, "vit-b-32.clipc"))
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if not os.path.exists(args.model):
        assert tap.run("convert", "--synthetic", "vit-b-32", "--dtype", "f16", "-o", args.model)[0] == 0
    threads = ["--threads", args.threads] if args.threads else []
    name = [x.split(":")[1].strip() for x in open("/proc/cpuinfo") if x.startswith("model name")] + ["unknown CPU"]
    print("%s, %d cores, load of others %.1f; %s" % (name[0], os.cpu_count(), os.getloadavg()[0],
                                                    os.path.basename(args.model)))
    images = [picture(i) for i in range(16)]
    server = serving.Server("-m", "m=" + args.model, "--batch", str(BATCH), *threads)
    asyncio.run(full_load(server.port, images, 2))
    memory = [server.memory()]
    print("  embed: %.1f ms of CPU for each picture in one process" % embed_cpu(args.model, images, threads), flush=True)
    benches, rates = [bench(args.model, threads)], []
    print("  bench: %.2f pictures/s" % benches[0])
    for _ in range(args.rounds):
        rates.append(one_round(server, images, args))
        benches.append(bench(args.model, threads))
        memory.append(server.memory())
        print("  bench: %.2f pictures/s" % benches[-1])
    shares = [2 * r / (a + b) for r, a, b in zip(rates, benches, benches[1:])]
    print("throughput: %.0f %% of clipc bench (median of %s)" % (
        100 * statistics.median(shares), ", ".join("%.0f" % (100 * s) for s in shares)))

    with Health(server.port) as health:
        seen, opened = asyncio.run(many_connections(server.port, images, args.seconds))
    print("%d connections kept under full load: answers %s on %d connections; %s" % (IDLE, seen, opened, health))
    memory.append(server.memory())
    rate = 10 * statistics.median(rates)
    with Health(server.port) as health:
        more, took = asyncio.run(overload(server.port, images, rate, args.seconds))
    print("overload, %.0f requests/s: answers %s, %.2f pictures/s; %s" % (rate, more, more.get(200, 0) / took, health))
    memory.append(server.memory())
    for _ in range(10 if args.soak else 0):
        asyncio.run(full_load(server.port, images, args.soak / 10))
        memory.append(server.memory())
    print("resident memory, MB: " + " ".join("%.0f" % m for m in memory))
    wrong = set(seen) | set(more)
    bad = lost or not wrong <= {200, 503} or server.stop() != 0
    print("every request was answered, by 200 or 503" if not bad else "NOT RIGHT: %d lost, answers %s" % (lost, wrong))
    return bad


if __name__ == "__main__":
    raise SystemExit(main())
