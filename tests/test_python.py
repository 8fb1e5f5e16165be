"""tools/python/clipc.py: the structs of clipc.h, vectors bit for bit those of `clipc embed`, what is
refused, threads, life without NumPy.  Streams are tests/test_python_stream.py's."""
import ctypes
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading

import numpy as np

import tap

library = os.path.abspath(os.path.join(tap.build, "libclipc.so"))
module = os.path.abspath("tools/python/clipc.py")
if b"__asan_init" in open(library, "rb").read():
    tap.skip("python: this Python has no AddressSanitizer, and the library needs it")
    tap.done()
os.environ["CLIPC_LIBRARY"] = library
sys.path.insert(0, os.path.dirname(module))
import clipc  # noqa: E402

tmp = tempfile.mkdtemp()
red, blue = "tests/images/red-cross-5.png", "tests/images/blue-heart-14.jpg"
have_model = os.path.exists("weights/demo.clipc")


def python(code, **environment):
    """A Python of its own: (exit code, stdout, stderr)."""
    env = {k: v for k, v in os.environ.items() if k not in ("CLIPC_LIBRARY", "CLIPC_MODEL")}
    env.update(environment)
    p = subprocess.run([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=120)
    return p.returncode, p.stdout.decode(), p.stderr.decode("utf-8", "replace")


def raises(kind, words, function, *args, **keywords):
    try:
        function(*args, **keywords)
    except kind as error:
        tap.check(all(w in str(error) for w in words), "%s: %s" % (kind.__name__, error))
    except Exception as error:
        tap.check(False, "%s was wanted, not %r" % (kind.__name__, error))
    else:
        tap.check(False, "%s was wanted: %r %r" % (kind.__name__, args, keywords))


# ---- clipc.h ------------------------------------------------------------------------------------
lines = []
for name, struct in clipc._STRUCTS.items():
    lines.append('printf("%s %%zu", sizeof(struct %s));' % (name, name))
    lines += ['printf(" %%zu+%%zu", offsetof(struct %s, %s), sizeof ((struct %s *)0)->%s);' % (name, f[0], name, f[0])
              for f in struct._fields_]
    lines.append("puts(\"\");")
lines.append('printf("formats %d %d %d %d %d\\n", CLIPC_L, CLIPC_LA, CLIPC_RGB, CLIPC_RGBA, CLIPC_CMYK);')
with open(tmp + "/layout.c", "w") as f:
    f.write('#include <stddef.h>\n#include <stdio.h>\n#include "clipc.h"\nint main(void) {\n%s\nreturn 0; }\n'
            % "\n".join(lines))
subprocess.run([os.environ.get("CC", "cc"), "-Isrc", tmp + "/layout.c", "-o", tmp + "/layout"], check=True)
told = subprocess.run([tmp + "/layout"], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
for line, (name, struct) in zip(told, clipc._STRUCTS.items()):
    fields = [getattr(struct, f[0]) for f in struct._fields_]
    mine = "%s %d%s" % (name, ctypes.sizeof(struct), "".join(" %d+%d" % (f.offset, f.size) for f in fields))
    tap.check(mine == line, "struct %s: %d fields of %s bytes" % (name, len(fields), line.split()[1]))
tap.check(told[-1] == "formats " + " ".join(str(n) for n in list(clipc._FORMATS.values()) + [clipc._MODES["CMYK"]]),
          told[-1])

if not have_model:
    tap.skip("python: no weights/demo.clipc (make train-demo)")
    tap.done()

formats = tap.run("info", "--build", "--json")[1].decode()
if "PNG" not in formats or "JPEG" not in formats:
    tap.skip("python: this build reads no PNG or no JPEG (libstb-dev)")
    tap.done()

# ---- Vectors ------------------------------------------------------------------------------------
clip = clipc.Clip()
tap.check((clip.name, clip.dim, clip.image_size) == ("clipc-demo", 128, 96) and clip.display_range[0] > 0,
          "the demo model: %s, %d floats" % (clip.name, clip.dim))
texts = ["a red cross", "", "Ünïcode ♠ 東京", "an ace of spades playing card " * 40]


def command(*arguments):
    code, _, err = tap.run("embed", "--raw", "--npy", tmp + "/v.npy", *arguments)
    assert code == 0, err
    return np.load(tmp + "/v.npy")


want = command(*[a for t in texts for a in ("--text", t)])
got = clip.embed_text(texts)
tap.check(got.dtype == np.float32 and np.array_equal(got, want), "texts: bit for bit those of the command")
tap.check(np.array_equal(clip.embed_text(texts[0]), want[:1]), "one text: [1, dim]")
pictures = sorted("tests/images/" + n for n in os.listdir("tests/images") if n.endswith((".png", ".jpg")))
want = command(*pictures)
got = clip.embed_image(pictures)
tap.check(got.shape == (len(pictures), 128) and np.array_equal(got, want),
          "%d files: bit for bit those of the command" % len(pictures))
tap.check(np.array_equal(clip.embed_image([open(p, "rb").read() for p in pictures]), want), "and their bytes")
raw = open(red, "rb").read()
want = command(red)
tap.check(np.array_equal(clip.embed_image(bytearray(raw)), want) and
          np.array_equal(clip.embed_image(os.fsencode(red).decode()), want), "a bytearray, a path")
try:
    from PIL import Image
except ImportError:
    tap.skip("python: no Pillow (apt-get install python3-pil)")
else:
    picture = Image.open(red).convert("RGB")
    pixels = np.asarray(picture)
    padded = np.zeros((pixels.shape[0], pixels.shape[1] + 5, 3), np.uint8)
    padded[:, 2:-3] = pixels
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 7, np.uint8)])
    gray = np.asarray(picture.convert("L"))
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, "PNG")
    gray_want = clip.embed_image(buffer.getvalue())
    for what, image, order, wanted in (
            ("an array", pixels, "RGB", want), ("BGR", pixels[:, :, ::-1], "BGR", want),
            ("a part of a larger one", padded[:, 2:-3], "RGB", want), ("RGBA", alpha, "RGB", want),
            ("BGRA", alpha[:, :, [2, 1, 0, 3]], "BGR", want), ("a memoryview", memoryview(pixels), "RGB", want),
            ("upside down twice", pixels[::-1].copy()[::-1], "RGB", want), ("Pillow's", picture, "BGR", want),
            ("gray", gray, "RGB", gray_want), ("gray, [h, w, 1]", gray[:, :, None], "BGR", gray_want),
            ("Pillow's gray", picture.convert("L"), "RGB", gray_want)):
        tap.check(np.array_equal(clip.embed_image(image, channel_order=order), wanted), "arrays: " + what)
    tap.check(not np.array_equal(clip.embed_image(pixels, channel_order="BGR"), want), "the order of channels counts")
    for name in "png_3_4", "png_4_8", "png_0_1", "gif_interlaced", "jpg_cmyk", "jpg_gray", "bmp_rle8":
        path = "tests/corpus/image/" + name
        if name.startswith("jpg") and '"jpeg": 1' not in formats:
            tap.skip("python: stb_image decodes a JPEG otherwise than Pillow")
            continue
        image = Image.open(path)
        tap.check(np.array_equal(clip.embed_image(image), clip.embed_image(path)),
                  "Pillow's mode %s of %s: as the file" % (image.mode, name))
    image = Image.open("tests/images/blue-heart-14.jpg")
    exif = image.getexif()
    exif[0x112] = 3
    image.save(tmp + "/turned.png", exif=exif)
    turned = clipc.Clip(apply_exif=True)
    tap.check(np.array_equal(turned.embed_image(tmp + "/turned.png"),
                             clip.embed_image(image.convert("RGB").transpose(Image.ROTATE_180))) and
              np.array_equal(clip.embed_image(tmp + "/turned.png"), clip.embed_image(image)),
              "apply_exif turns a picture, and nothing else does")

# ---- compare ------------------------------------------------------------------------------------
names = ["a red cross", "a blue heart", "nothing"]
i, t = (v.astype(np.float64) for v in (clip.embed_image(red), clip.embed_text(names)))
cosines = (t @ i[0]) / np.linalg.norm(t, axis=1) / np.linalg.norm(i)
got = clip.compare(red, names)
tap.check(isinstance(got, list) and isinstance(got[0], float) and np.abs(np.array(got) - cosines).max() < 1e-6,
          "compare: a list of cosines %s" % np.round(got, 3))
tap.check(clip.compare(red, names[0]) == got[:1], "one prompt: a list of one")
tap.check(clip.compare(red, {"yes": names[0], "no": names[1]}) == {"yes": got[0], "no": got[1]}, "a dict: its names")
tap.check(clip.compare(names[0], {"p": red, "q": blue}, subject_type="text", prompt_type="image")["p"] == got[0],
          "text against images")
tap.check(clip.compare(red, [red], prompt_type="image")[0] > 1 - 1e-6, "an image against itself")
tap.check(len(clip.compare(red, ["a"] * 20)) == 20, "more prompts than theirs")
tap.check(abs(clipc.cosine_similarity([3, 4], [4, 3]) - 0.96) < 1e-7 and clipc.cosine_similarity([[1, 0]], [0, 2]) == 0
          and clipc.cosine_similarity([0, 0], [1, 2]) == 0, "cosine_similarity of lists, [1, dim], zeros")

# ---- What is refused -----------------------------------------------------------------------------
raises(clipc.ClipcError, [tmp, "No such file"], clip.embed_image, tmp + "/none.png")
raises(clipc.ClipcError, ["image 2: ", "not an image"], clip.embed_image, [raw, b"no image"])
raises(clipc.ClipcError, ["tests/images"], clip.embed_image, "tests/images")
raises(ValueError, ["zero byte"], clip.embed_image, red + "\0.png")
raises(TypeError, ["uint8"], clip.embed_image, np.zeros((4, 4, 3), np.float32))
raises(ValueError, ["height, width"], clip.embed_image, np.zeros((4, 4, 5), np.uint8))
raises(ValueError, ["height, width"], clip.embed_image, np.zeros((2, 4, 4, 3), np.uint8))
raises(ValueError, ["height, width"], clip.embed_image, np.zeros((0, 4, 3), np.uint8))
raises(ValueError, ["height, width"], clip.embed_image, memoryview(b"abc"))
raises(TypeError, ["int"], clip.embed_image, 3)
raises(TypeError, ["NoneType"], clip.embed_image, [red, None])
raises(ValueError, ["At least one image"], clip.embed_image, [])
raises(ValueError, ["At least one text"], clip.embed_text, [])
raises(TypeError, ["bytes"], clip.embed_text, b"a")
raises(ValueError, ["channel_order"], clip.embed_image, red, channel_order="RBG")
raises(ValueError, ["subject_type must be"], clip.compare, red, "a", subject_type="audio")
raises(ValueError, ["not a list"], clip.compare, [red, red], "a")
raises(ValueError, ["2 and of 3"], clipc.cosine_similarity, [1, 2], [1, 2, 3])
raises(clipc.ClipcError, ["none.clipc", "No such file"], clipc.Clip, tmp + "/none.clipc")
raises(clipc.ClipcError, ["fast9", "scalar"], clipc.Clip, kernels="fast9")
with open(tmp + "/damaged.clipc", "wb") as f:
    f.write(b"not weights")
raises(clipc.ClipcError, ["damaged.clipc"], clipc.Clip, tmp + "/damaged.clipc")
closed = clipc.Clip()
closed.close()
closed.close()
raises(clipc.ClipcError, ["closed"], closed.embed_text, "a")
try:
    clip.embed_image(tmp + "/none.png")
except clipc.ClipcError as error:
    tap.check(error.status == -2, "status: CLIPC_ERROR_IO")

# ---- Where the library and the model are -----------------------------------------------------------
find = "import sys; sys.path.insert(0, %r); import clipc; print(clipc.Clip(%s).name)"
alone = tmp + "/alone"
os.mkdir(alone)
shutil.copy(module, alone)
for what, code, environment, status, words in (
        ("a library that is not there", find % (alone, ""), {"CLIPC_LIBRARY": "/none.so"}, 1, "$CLIPC_LIBRARY"),
        ("a library that is none", find % (alone, ""), {"CLIPC_LIBRARY": "libm.so.6"}, 1, "libm.so.6"),
        ("no model", find % (alone, ""), {"CLIPC_LIBRARY": library}, 1, "Clip(\"model.clipc\")"),
        ("$CLIPC_MODEL", find % (alone, ""), {"CLIPC_LIBRARY": library, "CLIPC_MODEL": "weights/demo.clipc"}, 0,
         "clipc-demo"),
        ("a model by its name", find % (alone, "'weights/demo.clipc'"), {"CLIPC_LIBRARY": library}, 0, "clipc-demo")):
    code, out, err = python(code, **environment)
    tap.check(code == status and words in out + err, "%s: %s" % (what, (out + err).strip().split("\n")[-1]))
# `make install` as it would be done with this build, which itself is not touched.
os.mkdir(tmp + "/build")
for name in "clipc", "libclipc.a", "libclipc.so.0":
    os.symlink(os.path.abspath(os.path.join(tap.build, name)), os.path.join(tmp, "build", name))
steps = subprocess.run(["make", "-n", "install", "B=" + tmp + "/build", "DESTDIR=" + tmp + "/root", "PREFIX=/usr"],
                       stdout=subprocess.PIPE, check=True, timeout=300).stdout.decode().splitlines()
steps = "\n".join(step for step in steps if step.startswith(("install ", "ln -sf libclipc.so.0 " + tmp + "/root")))
subprocess.run(["sh", "-ec", steps], check=True, timeout=60)
code, out, err = python(find % (tmp + "/root/usr/share/clipc", ""))
tap.check(code == 0 and out.strip() == "clipc-demo", "installed: finds library and model by itself %s" % err)

# ---- Threads, and no NumPy -------------------------------------------------------------------------
want = clip.embed_image(pictures[:4])
wrong, finished = [], []


def work(k):
    for _ in range(6):
        if not np.array_equal(clip.embed_image(pictures[k % 4]), want[k % 4:k % 4 + 1]):
            wrong.append(k)
        try:
            clip.embed_image(tmp + "/none-%d.png" % k)
        except clipc.ClipcError as error:
            if "none-%d.png" % k not in str(error):
                wrong.append(k)
    finished.append(k)


threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
tap.check(not wrong and len(finished) == 8, "8 threads with one Clip: each has its own vectors and errors")

code, out, err = python("""
import sys
sys.modules["numpy"] = None
sys.path.insert(0, %r)
import array, clipc
clip = clipc.Clip()
v = clip.embed_image([%r, %r])
assert type(v) is list and type(v[0]) is array.array and len(v[0]) == 128
pixels = memoryview(bytes(range(0, 192))).cast("B", (8, 8, 3))
w = clip.embed_image(pixels)
print(v[0].tobytes().hex(), w[0].tobytes().hex(), clip.compare(%r, "a red cross"),
      clipc.cosine_similarity(v[0].tolist(), v[1]))
""" % (os.path.dirname(module), red, blue, red), CLIPC_LIBRARY=library)
pixels = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
want = "%s %s %s %s\n" % (clip.embed_image(red)[0].tobytes().hex(), clip.embed_image(pixels)[0].tobytes().hex(),
                          clip.compare(red, "a red cross"),
                          clipc.cosine_similarity(clip.embed_image(red), clip.embed_image(blue)))
tap.check(code == 0 and out == want, "without NumPy: array.array, the same bits %s" % err)
shutil.rmtree(tmp)
tap.done()
