"""clipc beside its peers, on this machine, in the same minutes, with the same weights and threads: ONNX Runtime
(float32, and int8 by DynamicQuantizeLinear and MatMulInteger) for whole encodes, oneDNN and OpenBLAS for single
matrix products.  They take turns, a peer's idle threads have time to go to sleep, and figures are ratios of medians.
It asserts nothing about time; it fails when vectors do not agree.  A peer that is not there is named, and left out.

On a busy machine --threads 1 and the ratios of CPU time mean most.

usage: python3 tests/peers.py [--threads N] [--rounds N] [--shape vit-b-32] [--onnxruntime FOLDER]

`make bench-peers` installs what it can (sh tools/setup peers) and comes here."""
import argparse
import ctypes
import ctypes.util
import importlib
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

import tap

PAUSE = 0.05  # seconds in which threads that spin for more work give up


def median(x):
    return statistics.median(x)


def cosines(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


# ---- clipc, by its library -----------------------------------------------------------------------------------------

sys.path.insert(0, "tools/python")
os.environ.setdefault("CLIPC_LIBRARY", tap.build + "/libclipc.so.0")
clipc = importlib.import_module("clipc")


class Clipc:
    def __init__(self, file, threads, batch):
        self.lib = clipc._load_library()
        self.lib.clipc_encode_pixels.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
        self.lib.clipc_encode_tokens.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t,
                                                 ctypes.c_void_p]
        model, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        options = clipc._Options(size=ctypes.sizeof(clipc._Options), threads=threads, batch=batch)
        info = clipc._ModelInfo(size=ctypes.sizeof(clipc._ModelInfo))
        self.check(self.lib.clipc_open(file.encode(), ctypes.byref(model)))
        self.check(self.lib.clipc_model_info(model, ctypes.byref(info)))
        self.check(self.lib.clipc_session_new(model, ctypes.byref(options), ctypes.byref(self.session)))
        self.dim = info.dim

    def check(self, status):
        if status != 0:
            sys.exit("peers: " + self.lib.clipc_errmsg().decode())

    def run(self, data, times):
        """Seconds of each time, on the clock and of CPU; the vectors."""
        out, seconds, cpu = np.empty((len(data), self.dim), np.float32), [], []
        for _ in range(times):
            start, used = time.perf_counter(), time.process_time()
            if data.ndim == 4:
                status = self.lib.clipc_encode_pixels(self.session, data.ctypes.data, len(data), out.ctypes.data)
            else:
                status = self.lib.clipc_encode_tokens(self.session, data.ctypes.data, *data.shape, out.ctypes.data)
            seconds.append(time.perf_counter() - start)
            cpu.append(time.process_time() - used)
            self.check(status)
        return seconds, cpu, out


# ---- ONNX Runtime, by node -----------------------------------------------------------------------------------------

class Onnx:
    """One process; `models` of it are sessions."""

    def __init__(self, packages, folder):
        self.folder = folder
        self.process = subprocess.Popen(["node", "tests/peers.mjs", os.path.abspath(packages)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "node ended"}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def open(self, name, threads):
        self.ask(open=name, path="%s/%s.onnx" % (self.folder, name), threads=threads)

    def run(self, name, data, times):
        file, out = self.folder + "/input", self.folder + "/output"
        whole = data.ndim == 2
        (data.astype(np.int64) if whole else data).tofile(file)
        answer = self.ask(run=name, input="ids" if whole else "pixels", file=file, shape=list(data.shape), times=times,
                          out=out)
        return answer["seconds"], answer["cpu"], np.fromfile(out, np.float32).reshape(len(data), -1)


def start_onnx(packages, folder):
    """Or None, when it has said why."""
    try:
        importlib.import_module("onnx")
    except ImportError:
        return print("no ONNX Runtime: nothing here exports ONNX (apt-get install python3-onnx)")
    if not os.path.isdir(packages + "/node_modules/onnxruntime-node"):
        return print("no ONNX Runtime: %s/node_modules has no onnxruntime-node (sh tools/setup peers)" % packages)
    try:
        return Onnx(packages, folder)
    except OSError as e:
        return print("no ONNX Runtime: node: %s" % e)


# ---- Whole encodes --------------------------------------------------------------------------------------------------

def convert(folder, shape, dtype):
    file = "%s/%s-%s.clipc" % (folder, shape, dtype)
    if not os.path.exists(file):
        subprocess.run([tap.clipc, "convert", "--synthetic", shape, "--dtype", dtype, "--no-goldens", "-o", file],
                       check=True, stderr=subprocess.DEVNULL)
    return file


def encodes(args, folder, onnx):
    """Whether all vectors agreed."""
    files = {d: convert(folder, args.shape, d) for d in ("f32", "f16", "q8")}
    if onnx:
        header = importlib.import_module("peers_onnx").export(files["f32"], folder, 8)
        for name in "image", "image-int8", "text", "text-int8":
            onnx.open(name, args.threads)
    else:
        header = importlib.import_module("read_clipc").read(files["f32"])[0]
    rng, size, good = np.random.default_rng(1), header["image_size"], True
    texts = rng.integers(0, 500, (1, 8)).astype(np.int32)
    texts[:, -1] = header["eot_id"]
    for what, data in (("1 image", rng.standard_normal((1, 3, size, size), np.float32)),
                       ("16 images", rng.standard_normal((16, 3, size, size), np.float32)), ("1 text of 8 ids", texts)):
        kind = "text" if data.ndim == 2 else "image"
        runners = {"clipc " + d: Clipc(f, args.threads, len(data)).run for d, f in files.items()}
        if onnx:
            for name in kind, kind + "-int8":
                label = "ONNX Runtime " + ("int8" if name.endswith("int8") else "f32")
                runners[label] = lambda data, times, name=name: onnx.run(name, data, times)
        vectors = {name: run(data, 2)[2] for name, run in runners.items()}  # and warms up
        times, cpu = {name: [] for name in runners}, {name: [] for name in runners}
        for _ in range(args.rounds):
            for name, run in runners.items():
                time.sleep(PAUSE)
                seconds, used, _ = run(data, 3)
                times[name] += seconds
                cpu[name] += used
        ms, cpu_ms = ({name: 1e3 * median(t) for name, t in x.items()} for x in (times, cpu))
        print("\n%s, %d thread%s, medians of %d; in the last column ratios of milliseconds, and of CPU time" %
              (what, args.threads, "s" * (args.threads > 1), 3 * args.rounds), flush=True)
        for name in runners:
            cosine = cosines(vectors["clipc f32"], vectors[name]).min()
            peer = "ONNX Runtime " + ("int8" if "q8" in name else "f32")
            ratio = ""
            if name[:5] == "clipc" and peer in ms:
                ratio = "  %s takes %.2f, %.2f times as long" % (peer, ms[peer] / ms[name], cpu_ms[peer] / cpu_ms[name])
            print("  %-18s %9.2f ms, least %9.2f, CPU %9.2f  cosine with clipc f32 at least %.7f%s" %
                  (name, ms[name], 1e3 * min(times[name]), cpu_ms[name], cosine, ratio), flush=True)
            if name == "ONNX Runtime f32" and not cosine > 0.99999:
                good = False
                print("  NOT THE SAME MODEL: these two must agree")
    return good


# ---- Single products ------------------------------------------------------------------------------------------------

class Dnnl:
    """dnnl_sgemm: row-major C [m, n] = A [m, k] B [k, n]."""

    def __init__(self, threads):
        self.clock = time.thread_time if threads == 1 else time.perf_counter  # as clipc bench
        name = ctypes.util.find_library("dnnl")
        if name is None:
            raise OSError("no libdnnl here (apt-get install libdnnl2)")
        self.lib = ctypes.CDLL(name)
        for library in "libgomp.so.1", "libtbb.so.12", "libtbb.so.2":
            try:
                ctypes.CDLL(library).omp_set_num_threads(threads)
            except (OSError, AttributeError):
                pass

    def seconds(self, m, n, k, times):
        copies = max(1, (128 << 20) // (4 * n * k))  # weights come from memory, as in clipc bench
        a, b = np.ones((m, k), np.float32), np.ones((copies, k, n), np.float32)
        c, took = np.empty((m, n), np.float32), []
        size, one = ctypes.c_int64, ctypes.c_float
        for i in range(times + 1):
            at = ctypes.c_void_p(b.ctypes.data + 4 * n * k * (i % copies))
            start = self.clock()
            status = self.lib.dnnl_sgemm(ctypes.c_char(b"N"), ctypes.c_char(b"N"), size(m), size(n), size(k), one(1),
                                         ctypes.c_void_p(a.ctypes.data), size(k), at, size(n), one(0),
                                         ctypes.c_void_p(c.ctypes.data), size(n))
            took.append(self.clock() - start)
            if status != 0 or not np.all(c == k):
                raise RuntimeError("dnnl_sgemm: status %d" % status)
        return took[1:]


def products(args):
    """Each layer of ViT-B/32 in float32: clipc packs, normalises nothing and multiplies; oneDNN multiplies."""
    try:
        dnnl = Dnnl(args.threads)
    except OSError as e:
        return print("\nno oneDNN: %s" % e)
    ours, theirs, sizes, gemms = {}, {}, {}, {}
    for _ in range(3):
        out = subprocess.run([tap.clipc, "bench", "--layers", "--dtype", "f32", "--precision", "exact", "--against", "blas",
                              "--threads", str(args.threads), "--json"], stdout=subprocess.PIPE, check=False).stdout
        if not out:
            out = subprocess.run([tap.clipc, "bench", "--layers", "--dtype", "f32", "--precision", "exact",
                                  "--threads", str(args.threads), "--json"], stdout=subprocess.PIPE, check=True).stdout
        for r in json.loads(out):
            if "layer" in r:
                key = r["input"], r["layer"], int(r["batch"])
                ours.setdefault(key, {}).setdefault(r["set"], []).append(r["ms"])
                sizes[key], gemms[r["set"]] = (int(r["rows"]), int(r["out"]), int(r["in"])), r["gemm"]
        for key, size in sizes.items():
            theirs.setdefault(key, []).extend(1e3 * t for t in dnnl.seconds(*size, 7))
    sets = [s for s in gemms if s != "blas"][:1]
    print("\nsingle layers of ViT-B/32, float32, %d thread%s: GFLOP/s, and how many times as fast as them %s is" %
          (args.threads, "s" * (args.threads > 1), sets[0]))
    for key, (m, n, k) in sizes.items():
        ms = {s: median(t) for s, t in ours[key].items()}
        ms["oneDNN"] = median(theirs[key])
        rates = "".join("  %s %6.1f" % (s, 2e-6 * m * n * k / t) for s, t in ms.items())
        ratios = "".join("  %s %.2f" % (s, t / ms[sets[0]]) for s, t in ms.items() if s != sets[0])
        print("  %-10s x%-2d %-11s %5d x %4d x %4d %s  |%s" % (key[0], key[2], key[1], m, k, n, rates, ratios))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--shape", default="vit-b-32")
    parser.add_argument("--onnxruntime", default=tap.build + "/peers", help="a folder whose node_modules has onnxruntime-node")
    args = parser.parse_args()
    folder = tap.build + "/peers"
    os.makedirs(folder, exist_ok=True)
    onnx = start_onnx(args.onnxruntime, folder)
    good = encodes(args, folder, onnx)
    if onnx:
        onnx.process.stdin.close()
        onnx.process.wait(timeout=30)
    products(args)
    sys.exit(not good)


main()
