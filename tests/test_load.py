"""What a run loads and how little memory it needs: OpenBLAS comes in when its kernel set is asked for
by name, and at no other time; libcurl, libmicrohttpd and libass with the verbs that want them.  The dynamic linker itself says what it loads ($LD_DEBUG)."""
import os
import resource
import subprocess
import tempfile

import tap

red = "tests/images/red-cross-5.png"
listed = tap.run("info", "--build", "--json")[1]


LARGE = ["openblas", "libcurl", "libmicrohttpd", "libass", "libgnutls", "libcrypto", "libharfbuzz"]


def loads(*args):
    """(exit code, which of the large libraries the linker initialised)."""
    p = subprocess.run([tap.clipc] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       stdin=subprocess.DEVNULL, timeout=120, env=dict(os.environ, LD_DEBUG="files"))
    inits = b"".join(line for line in p.stderr.splitlines() if b"calling init" in line)
    return p.returncode, [name for name in LARGE if name.encode() in inits]


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
    tap.check(loads("embed", "--kernels", "blas", "--text", "a red circle") == (0, ["openblas"]),
              "embed --kernels blas loads OpenBLAS")
    for args in (["tokenize", "a red circle"], ["embed", "--text", "a red circle"], ["embed", red],
                 ["classify", red, "a red cross", "a blue ring"], ["info", "--build"], ["info"],
                 ["info", "--build", "--json"], ["preprocess", red, "--npy", os.devnull],
                 ["embed", "--kernels", "scalar", "--text", "a red circle"]):
        code, loaded = loads(*args)
        tap.check(code == 0 and loaded == [], "%s loads none of the large libraries %s" % (" ".join(args), loaded))

# A machine where they are not, though the build had them: the program with other names in it.
films = {"libcurl.so": ["watch", red, "x", "--threshold", "0.5", "--webhook", "http://127.0.0.1:9/"],
         "libmicrohttpd.so": ["serve", "--port", "0"], "libass.so": ["watch", red, "x", "-o", tempfile.gettempdir() + "/clipc-none.mp4"]}
program = open(tap.clipc, "rb").read()
for name, args in films.items():
    if name.encode() not in program:
        tap.skip("this build has no " + name)
        continue
    with tempfile.NamedTemporaryFile(delete=False) as f:
        gnutls = name.replace(".so", "-gnutls.so").encode()  # libcurl has two names
        f.write(program.replace(name.encode(), name.encode().upper()).replace(gnutls, gnutls.upper()))
    os.chmod(f.name, 0o755)
    p = subprocess.run([f.name] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60)
    tap.check(p.returncode == 1 and name.upper().encode() in p.stderr and b"install" in p.stderr,
              "without %s: %s" % (name, p.stderr.decode().strip()))
    code = subprocess.run([f.name, "embed", red], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).returncode
    tap.check(code == 0, "and all else works")
    os.remove(f.name)

if with_limit(100000, "--help") != 0:
    tap.skip("a limit on the address space: this build cannot start within one (sanitizers)")
else:
    for kilobytes in (100000, 130000, 150000):
        code = with_limit(kilobytes, "tokenize", "cat")
        tap.check(code == 0, "tokenize within %d kB ends with 0: %s" % (kilobytes, code))
    code = with_limit(150000, "embed", "--threads", "1", "--text", "a red circle")
    tap.check(code == 0, "embed within 150000 kB ends with 0: %s" % code)
tap.done()
