"""Files that clipc writes: nothing half stays whatever ends the program, nothing that is read is
replaced, links are followed, permissions are kept."""
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import numpy as np

import tap

tmp = tempfile.mkdtemp()
model = tmp + "/m.clipc"
tap.check(tap.run("convert", "tests/golden/mini", "-o", model)[0] == 0, "a model to work with")
M = ["-m", model]


def ppm(name, colour=(200, 10, 10)):
    path = "%s/%s" % (tmp, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(b"P6\n40 30\n255\n" + bytes(colour) * 1200)
    return path


def parts(folder=tmp):
    return [f for _, _, files in os.walk(folder) for f in files if ".part." in f]


def content(path):
    with open(path, "rb") as f:
        return f.read()


# ---- Signals -----------------------------------------------------------------------------------
ENDING = "HUP INT QUIT TERM PIPE ALRM XCPU XFSZ USR1 USR2 VTALRM PROF ABRT BUS SEGV".split()


def defaults(ignored=()):
    """In the child: signals as a shell in the foreground leaves them, no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in ENDING:
        signal.signal(getattr(signal, "SIG" + name), signal.SIG_IGN if name in ignored else signal.SIG_DFL)


def wait_for(what, seconds=60):
    end = time.time() + seconds
    while not what() and time.time() < end:
        time.sleep(0.01)
    return what()


def writing(args, folder, ignored=()):
    """A clipc that is in the middle of writing into `folder`."""
    # AddressSanitizer would take these two for itself before main() begins.
    options = os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0:handle_sigbus=0"
    p = subprocess.Popen([tap.clipc] + args, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, preexec_fn=lambda: defaults(ignored),
                         env=dict(os.environ, ASAN_OPTIONS=options))
    tap.check(wait_for(lambda: parts(folder)), "%s writes under another name" % args[0])
    return p


def end_of(p):
    try:
        return p.wait(60)
    except subprocess.TimeoutExpired:
        p.kill()
        return "still running"
    finally:
        p.stdin.close()


sent = tmp + "/sent"
os.mkdir(sent)
red = ppm("red.ppm")
for name in ENDING:
    number = getattr(signal, "SIG" + name)
    # Paths come on stdin, so that embed waits with its file open.
    p = writing(["embed", "-", "--npy", sent + "/v.npy"] + M, sent)
    p.send_signal(number)
    code = end_of(p)
    tap.check(code == -number and os.listdir(sent) == [], "SIG%s ends embed by itself, and nothing stays: %s, %s"
              % (name, code, os.listdir(sent)))
p = writing(["embed", "-", "--npy", sent + "/v.npy"] + M, sent, ("HUP", "INT", "PIPE"))
for name in ("HUP", "INT", "PIPE"):
    p.send_signal(getattr(signal, "SIG" + name))
p.stdin.write((red + "\n").encode())
p.stdin.close()
code = end_of(p)
tap.check(code == 0 and os.listdir(sent) == ["v.npy"], "signals that are ignored (nohup) stay so: %s" % code)
os.remove(sent + "/v.npy")


def limited(what, value, args):
    def child():
        defaults()
        resource.setrlimit(what, (value, value + 1 if what == resource.RLIMIT_CPU else value))
    p = subprocess.run([tap.clipc] + args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=child)
    return p.returncode, p.stderr.decode()


code, err = limited(resource.RLIMIT_FSIZE, 1000000, ["convert", "--synthetic", "vit-b-32", "-o", sent + "/k.clipc"])
tap.check(code == -signal.SIGXFSZ and not os.listdir(sent), "a limit on the size of files: %s %s" % (code, err))
code, err = limited(resource.RLIMIT_CPU, 1, ["convert", "--synthetic", "vit-l-14-336", "-o", sent + "/k.clipc"])
tap.check(code == -signal.SIGXCPU and not os.listdir(sent), "a limit on CPU time: %s %s" % (code, err))
# The reader of stdout goes away after one byte.
p = subprocess.Popen([tap.clipc, "embed", "--jsonl", "--npy", sent + "/v.npy"] + [red] * 400 + M,
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=defaults)
p.stdout.read(1)
p.stdout.close()
code = end_of(p)
tap.check(code == -signal.SIGPIPE and not os.listdir(sent), "a closed pipe behind stdout: %s %s" % (code, os.listdir(sent)))

# ---- Outputs that name inputs ------------------------------------------------------------------
os.mkdir(tmp + "/same")
photo = ppm("same/p.ppm")
os.link(photo, tmp + "/same/hard")
os.symlink("p.ppm", tmp + "/same/soft")
lists = tmp + "/same/list"
open(lists, "w").write("a\nb\n")
tokens = tmp + "/same/t.npy"
np.save(tokens, np.array([[1, 2, 573]], np.int32))
shutil.copy(model, tmp + "/same/m.clipc")
os.mkdir(tmp + "/hf")
for f in os.listdir("tests/golden/mini"):
    shutil.copy("tests/golden/mini/" + f, tmp + "/hf")
other = ppm("other.ppm", (1, 2, 3))


def refused(text, args, victims, **keywords):
    before = [content(v) for v in victims]
    code, out, err = tap.run(*args, **keywords)
    tap.check(code in (1, 2) and [content(v) for v in victims] == before and err.startswith("clipc: ") and not parts(),
              "%s is refused: %s %s" % (text, code, err.strip().split("\n")[-1]))


for name in ("p.ppm", "hard", "soft"):
    target = tmp + "/same/" + name
    refused("embed, an output that is the photo (%s)" % name, ["embed", "--npy", target, photo] + M, [photo])
    refused("embed, the photo last (%s)" % name, ["embed", "--npy", target, other, other, photo] + M, [photo])
    refused("preprocess onto its photo (%s)" % name, ["preprocess", photo, "--npy", target] + M, [photo])
refused("the photo in a list on stdin", ["embed", "--npy", photo, "-"] + M, [photo], input=(photo + "\n").encode())
refused("the photo in a folder", ["embed", "--npy", photo, tmp + "/same"] + M, [photo])
refused("a forgotten name: the photo is the output and no input", ["embed", "--npy", photo, other] + M, [photo])
refused("and a checkpoint so", ["convert", model, "-o", tmp + "/hf/model.safetensors"], [tmp + "/hf/model.safetensors"])
refused("a list of texts as output", ["embed", "--texts", lists, "--npy", lists] + M, [lists])
refused("token ids as output", ["embed", "--tokens", tokens, "--npy", tokens] + M, [tokens])
refused("the model as output", ["embed", red, "--npy", model] + M, [model])
refused("a checkpoint as output", ["convert", tmp + "/hf", "-o", tmp + "/hf/model.safetensors"],
        [tmp + "/hf/model.safetensors"])
refused("a configuration as output", ["convert", tmp + "/hf", "-o", tmp + "/hf/config.json"], [tmp + "/hf/config.json"])
refused("a weight file as its own output", ["convert", tmp + "/same/m.clipc", "-o", tmp + "/same/m.clipc"],
        [tmp + "/same/m.clipc"])
os.mkdir(tmp + "/acts")
code, out, _ = tap.run("trace", "--tokens", tokens, "-o", tmp + "/acts", *M)
first = sorted(os.listdir(tmp + "/acts"))[0]
tap.check(code == 0 and len(os.listdir(tmp + "/acts")) > 10, "trace writes a file for each activation")
shutil.copy(tokens, tmp + "/acts/" + first)
refused("an activation that is the input", ["trace", "--tokens", tmp + "/acts/" + first, "-o", tmp + "/acts"] + M,
        [tmp + "/acts/" + first])
code, _, err = tap.run("embed", "--npy", tmp + "/same/new.npy", photo, tmp + "/same/hard", *M)
tap.check(code == 0 and np.load(tmp + "/same/new.npy").shape == (2, 32), "an input may come twice " + err)
code, _, err = tap.run("embed", "--npy", tmp + "/same/new.npy", photo, *M)
tap.check(code == 0 and np.load(tmp + "/same/new.npy").shape == (1, 32), "an old output is replaced " + err)

# ---- Links and permissions ---------------------------------------------------------------------
os.makedirs(tmp + "/links/deep")
os.symlink("deep/two", tmp + "/links/one")
os.symlink("../target.npy", tmp + "/links/deep/two")
os.symlink("round", tmp + "/links/round")
os.symlink(tmp + "/nowhere/x.npy", tmp + "/links/lost")
code, _, err = tap.run("embed", red, "--npy", tmp + "/links/one", *M)
tap.check(code == 0 and os.path.islink(tmp + "/links/one") and os.path.islink(tmp + "/links/deep/two") and
          np.load(tmp + "/links/target.npy").shape == (1, 32), "links to nothing yet are followed " + err)
code, _, err = tap.run("embed", red, "--npy", tmp + "/links/one", *M)
tap.check(code == 0 and os.path.islink(tmp + "/links/one"), "and to something " + err)
code, _, err = tap.run("embed", red, "--npy", tmp + "/links/round", *M)
tap.check(code == 1 and "symbolic links" in err and os.path.islink(tmp + "/links/round"), "a link to itself: " + err)
code, _, err = tap.run("embed", red, "--npy", tmp + "/links/lost", *M)
tap.check(code == 1 and "No such file" in err and os.path.islink(tmp + "/links/lost"), "a link into no folder: " + err)


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


for mask in (0o022, 0o077, 0o002):
    path = "%s/mode%03o.npy" % (tmp, mask)
    code, _, err = tap.run("embed", red, "--npy", path, *M, preexec_fn=lambda: os.umask(mask))
    tap.check(code == 0 and mode_of(path) == 0o666 & ~mask, "a new file under umask %03o: %03o" % (mask, mode_of(path)))
for mode in (0o600, 0o640, 0o664, 0o755):
    os.chmod(path, mode)
    code, _, err = tap.run("embed", red, "--npy", path, *M)
    tap.check(code == 0 and mode_of(path) == mode, "a file of mode %03o keeps it: %03o" % (mode, mode_of(path)))
out = tmp + "/mode.clipc"
shutil.copy(model, out)
os.chmod(out, 0o600)
code, _, err = tap.run("convert", "tests/golden/mini", "-o", out)
tap.check(code == 0 and mode_of(out) == 0o600, "so does a weight file " + err)
if os.getuid() == 0:
    os.chown(path, 1234, 2345)
    code, _, err = tap.run("embed", red, "--npy", path, *M)
    tap.check(code == 0 and os.stat(path).st_uid == 1234 and os.stat(path).st_gid == 2345, "the owner is kept too")
else:
    os.chmod(path, 0o444)
    refused("a file that may not be written", ["embed", red, "--npy", path] + M, [path])
long = tmp + "/" + "n" * 250 + ".npy"
code, _, err = tap.run("embed", red, "--npy", long, *M)
tap.check(code == 0 and os.path.exists(long), "the longest name that the system takes " + err)
tap.check(not parts(), "no temporary file is left: %s" % parts())
shutil.rmtree(tmp)
tap.done()
