"""What a run loads and how little memory it needs: OpenBLAS comes in when its kernel set is asked for
by name, and at no other time.  The dynamic linker itself says what it loads ($LD_DEBUG)."""
import os
import resource
import subprocess

import tap

red = "tests/images/red-cross-5.png"
listed = tap.run("info", "--build", "--json")[1]


def loads(*args):
    """(exit code, whether the linker initialised an OpenBLAS)."""
    p = subprocess.run([tap.clipc] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       stdin=subprocess.DEVNULL, timeout=120, env=dict(os.environ, LD_DEBUG="files"))
    return p.returncode, any(b"calling init" in line and b"openblas" in line
                             for line in p.stderr.splitlines())


def with_limit(kilobytes, *args):
    """The exit code in an address space of that size; None when it does not end."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (kilobytes * 1024, kilobytes * 1024))
    try:
        return subprocess.run([tap.clipc] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=limit, timeout=20).returncode
    except subprocess.TimeoutExpired:
        return None


if b'"blas"' not in listed or "blas" not in tap.kernel_sets():
    tap.skip("no kernel set blas in this build or on this machine")
else:
    tap.check(loads("embed", "--kernels", "blas", "--text", "a red circle") == (0, True),
              "embed --kernels blas loads OpenBLAS")
    for args in (["tokenize", "a red circle"], ["embed", "--text", "a red circle"], ["embed", red],
                 ["classify", red, "a red cross", "a blue ring"], ["info", "--build"], ["info"],
                 ["info", "--build", "--json"], ["preprocess", red, "--npy", os.devnull],
                 ["embed", "--kernels", "scalar", "--text", "a red circle"]):
        code, loaded = loads(*args)
        tap.check(code == 0 and not loaded, "%s does not" % " ".join(args))

if with_limit(100000, "--help") != 0:
    tap.skip("a limit on the address space: this build cannot start within one (sanitizers)")
else:
    for kilobytes in (100000, 130000, 150000):
        code = with_limit(kilobytes, "tokenize", "cat")
        tap.check(code == 0, "tokenize within %d kB ends with 0: %s" % (kilobytes, code))
    code = with_limit(150000, "embed", "--threads", "1", "--text", "a red circle")
    tap.check(code == 0, "embed within 150000 kB ends with 0: %s" % code)
tap.done()
