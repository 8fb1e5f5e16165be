#!/usr/bin/env python3
"""Draw pictures in every format and say what Pillow makes of them.

    preprocess_oracle.py decode DIR   DIR/cases: FILE KIND WIDTH HEIGHT PIXELS, tab-separated
    preprocess_oracle.py crop DIR     DIR/cases: FILE SIZE RESIZE FILTER RULES CROP
    preprocess_oracle.py draft DIR    DIR/cases as of decode, JPEGs with no side below DRAFT_SIDE
    preprocess_oracle.py exif DIR     DIR/cases as of decode, upright
    preprocess_oracle.py part DIR     DIR/cases as of decode, of cut JPEGs and PNGs: what Pillow makes of
                                      them when told to load truncated images, gray below
    preprocess_oracle.py damage DIR   DIR/cases as of decode; KIND is - where Pillow has no picture or
                                      another than of the whole file, and PIXELS then says why

KIND is Pillow's mode (1 is called P, and P's pixels are RGB; I has 16 bits, little endian), with a
J in front for JPEG.  CROP is [SIZE, SIZE, 3] bytes.  Exit 77: no numpy, or no Pillow of the series
the references ran on (later ones read 16-bit gray and bitmaps in other modes).
"""
import io
import random
import struct
import sys
import warnings
import zlib
from pathlib import Path

try:
    import numpy as np
    import PIL
    from PIL import Image, ImageFile, ImageOps
except ImportError as e:
    print(e)
    sys.exit(77)
if not PIL.__version__.startswith("9."):
    print("Pillow is", PIL.__version__)
    sys.exit(77)

Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")  # of palettes with transparency
rng = np.random.default_rng(20240611)


def picture(w, h, channels):
    """Smooth colours with hard edges and some noise: what a resize gets wrong shows."""
    y, x = np.mgrid[0:h, 0:w].astype(float)
    out = np.zeros((h, w, channels))
    for c in range(channels):
        a, b, p = rng.uniform(0.02, 0.9, 2).tolist() + [rng.uniform(0, 6)]
        out[..., c] = 127 + 120 * np.sin(a * x + b * y + p)
        out[..., c][(x * (c + 1) + y * 2) % 37 < 9] = rng.choice([0, 255])
    out += rng.normal(0, 6, out.shape)
    return np.clip(out, 0, 255).astype(np.uint8)


# ---- PNG: written here, because Pillow writes few of its kinds -----------------------------------

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]


def png_rows(samples, depth):
    """Filtered rows (a filter type at random) of samples [h, w, channels]."""
    h, w, n = samples.shape
    if depth == 16:
        data = samples.astype(">u2").tobytes()
    elif depth == 8:
        data = samples.astype(np.uint8).tobytes()
    else:
        bits = np.unpackbits(samples.reshape(h, -1, 1).astype(np.uint8), axis=2)[..., -depth:]
        data = np.packbits(bits.reshape(h, -1), axis=1).tobytes()
    length, step, out = len(data) // h if h else 0, max(1, n * depth // 8), bytearray()
    before = bytes(length)
    for y in range(h):
        row = data[y * length:(y + 1) * length]
        kind = int(rng.integers(0, 5))
        out.append(kind)
        for i in range(length):
            a = row[i - step] if i >= step else 0
            b, c = before[i], before[i - step] if i >= step else 0
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            paeth = a if pa <= pb and pa <= pc else b if pb <= pc else c
            out.append((row[i] - (0, a, b, (a + b) // 2, paeth)[kind]) & 255)
        before = row
    return bytes(out)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, depth, colour, interlace=0, palette=None, trns=None, extra=b""):
    h, w, _ = samples.shape
    raw = png_rows(samples, depth) if not interlace else b"".join(
        png_rows(samples[y::dy, x::dx], depth) for x, y, dx, dy in ADAM7
        if samples[y::dy, x::dx].size)
    data, out = zlib.compress(raw), b"\x89PNG\r\n\x1a\n"
    out += chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace)) + extra
    out += chunk(b"PLTE", bytes(palette)) if palette is not None else b""
    out += chunk(b"tRNS", trns) if trns else b""
    for i in range(0, len(data), 97):
        out += chunk(b"IDAT", data[i:i + 97])
    return out + chunk(b"tEXt", b"a\0b") + chunk(b"IEND", b"")


def png_files():
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16),
                           6: (8, 16)}.items():
        for depth in depths:
            for interlace in (0, 1):
                w, h = (int(v) for v in rng.integers(1, 48, 2))
                s = picture(w, h, channels[colour]).astype(np.uint16)
                s = s * 257 + rng.integers(0, 200, s.shape) if depth == 16 else s >> (8 - depth)
                s = np.minimum(s, (1 << depth) - 1)
                entries = 1 << min(depth, 8)
                entries = max(2, entries * 3 // 4)  # indices behind the palette are a case too
                palette = rng.integers(0, 256, entries * 3).astype(np.uint8) if colour == 3 else None
                trns = {0: b"\0\1", 2: b"\0\1\0\2\0\3", 3: bytes([0, 128])}.get(colour)
                name = f"png_{colour}_{depth}_{interlace}"
                yield name + ".png", png(s, depth, colour, interlace, palette)
                if trns:
                    yield name + "t.png", png(s, depth, colour, interlace, palette, trns)
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    yield "png_ramp.png", png(gray, 8, 3, 0, np.repeat(np.arange(256), 3).astype(np.uint8))
    yield "png_gamma.png", png(picture(9, 7, 3), 8, 2, extra=chunk(b"gAMA", b"\0\0\xb1\x8f"))


# ---- BMP --------------------------------------------------------------------------------------

def bmp(w, h, bits, data, palette=b"", compression=0, masks=b"", header=40, up=False, colours=0):
    at = 14 + header + (len(masks) if header == 40 else 0) + len(palette)
    out = b"BM" + struct.pack("<IHHI", at + len(data), 0, 0, at)
    if header == 12:
        return out + struct.pack("<IHHHH", 12, w, h, 1, bits) + palette + data
    info = struct.pack("<IiiHHIIiiII", header, w, -h if up else h, 1, bits, compression, len(data),
                       2835, 2835, colours, 0)
    return out + (info + masks).ljust(header if header > 40 else 0, b"\0") + palette + data


def packed(values, bits):
    h, w = values.shape
    b = np.unpackbits(values[..., None].astype(np.uint8), axis=2)[..., -bits:].reshape(h, -1)
    b = np.pad(b, ((0, 0), (0, -b.shape[1] % 32)))
    return np.packbits(b, axis=1).tobytes()


def rle(values, four):
    """Rows bottom up, runs and literals by turns."""
    out, at = bytearray(), 0
    for row in values[::-1]:
        x = 0
        while x < len(row):
            n = int(min(rng.integers(1, 9), len(row) - x))
            part = [int(v) for v in row[x:x + n]]
            if len(set(part)) == 1 or (four and len(set(part[::2])) == 1 and
                                       len(set(part[1::2])) <= 1):
                second = part[1] if n > 1 else 0
                out += bytes([n, part[0] << 4 | second if four else part[0]])
            elif n >= 3 and n % 2 == 0:
                data = bytes(a << 4 | b for a, b in zip(part[::2], part[1::2])) if four else bytes(part)
                out += bytes([0, n]) + data + b"\0" * (len(data) % 2)
            else:
                n = 1
                out += bytes([1, part[0] << 4 if four else part[0]])
            x += n
        out += b"\0\0"
    return bytes(out) + b"\0\1"


def bmp_files():
    for bits in (1, 4, 8):
        for header in (12, 40, 108, 124):
            w, h = (int(v) for v in rng.integers(1, 40, 2))
            v = picture(w, h, 1)[..., 0] >> (8 - bits)
            entry, colours = (3 if header == 12 else 4), 1 << bits
            palette = rng.integers(0, 256, (colours, entry)).astype(np.uint8).tobytes()
            yield f"bmp_{bits}_{header}.bmp", bmp(w, h, bits, packed(v, bits), palette, header=header)
    v = picture(33, 17, 1)[..., 0]
    ramp = b"".join(bytes([i, i, i, 0]) for i in range(256))
    yield "bmp_gray.bmp", bmp(33, 17, 8, packed(v, 8), ramp)
    yield "bmp_gray_few.bmp", bmp(33, 17, 8, packed(v >> 3, 8), ramp[:40 * 4], colours=40)
    yield "bmp_black_white.bmp", bmp(33, 17, 1, packed(v >> 7, 1), bytes(4) + b"\xff\xff\xff\0")
    yield "bmp_white_black.bmp", bmp(33, 17, 1, packed(v >> 7, 1), b"\xff\xff\xff\0" + bytes(4))
    yield "bmp_few.bmp", bmp(33, 17, 8, packed(v >> 3, 8), bytes(range(80)), colours=20)
    for four in (False, True):
        flat = (v >> (6 if not four else 5)) * 3 % 16
        palette = rng.integers(0, 256, (16 if four else 256) * 4).astype(np.uint8).tobytes()
        yield f"bmp_rle{8 - 4 * four}.bmp", bmp(33, 17, 4 if four else 8, rle(flat, four), palette,
                                                 2 if four else 1)
    for bits in (16, 24, 32):
        for up in (False, True):
            w, h = (int(v) for v in rng.integers(1, 40, 2))
            row = (w * bits + 31) // 32 * 4
            data = rng.integers(0, 256, row * h).astype(np.uint8).tobytes()
            yield f"bmp_{bits}_{int(up)}.bmp", bmp(w, h, bits, data, up=up)
    rgb565 = struct.pack("<III", 0xf800, 0x7e0, 0x1f)
    data = rng.integers(0, 256, 20 * 7).astype(np.uint8).tobytes()
    yield "bmp_565.bmp", bmp(9, 7, 16, data, compression=3, masks=rgb565)
    data = rng.integers(0, 256, 36 * 7).astype(np.uint8).tobytes()
    for i, m in enumerate([(0xff0000, 0xff00, 0xff, 0), (0xff000000, 0xff0000, 0xff00, 0),
                           (0xff000000, 0xff0000, 0xff00, 0xff),
                           (0xff, 0xff00, 0xff0000, 0xff000000),
                           (0xff0000, 0xff00, 0xff, 0xff000000)]):
        masks = struct.pack("<IIII", *m)
        yield f"bmp_masks{i}.bmp", bmp(9, 7, 32, data, compression=3, masks=masks, header=124)
    masks = struct.pack("<III", 0xff0000, 0xff00, 0xff)
    yield "bmp_masks40.bmp", bmp(9, 7, 32, data, compression=3, masks=masks)


# ---- GIF --------------------------------------------------------------------------------------

def gif_codes(values, depth):
    """Uncompressed: a clear code often enough that codes stay depth + 1 bits wide."""
    bits, count, out = 0, 0, bytearray()
    codes = []
    for i, v in enumerate(values):
        if i % ((1 << depth) - 2) == 0:
            codes.append(1 << depth)
        codes.append(int(v))
    for c in codes + [(1 << depth) + 1]:
        bits |= c << count
        count += depth + 1
    data = bits.to_bytes((count + 7) // 8, "little")
    for i in range(0, len(data), 200):
        out += bytes([len(data[i:i + 200])]) + data[i:i + 200]
    return bytes([depth]) + bytes(out) + b"\0"


def gif(screen, box, values, palette=None, local=None, transparent=None, interlaced=False, depth=4):
    size = depth - 1
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80 | size if palette is not None else 0, 3, 0)
    out += bytes(palette) if palette is not None else b""
    if transparent is not None:
        out += b"!\xf9\4" + bytes([1, 0, 0, transparent]) + b"\0"
    out += b"!\xfe\5hello\0,"
    flags = (0x80 | size if local is not None else 0) | (0x40 if interlaced else 0)
    out += struct.pack("<HHHHB", *box, flags) + (bytes(local) if local is not None else b"")
    return out + gif_codes(values, depth) + b";"


def gif_files():
    v = (picture(13, 11, 1) >> 4).ravel()
    colours, others = (rng.integers(0, 256, 48).astype(np.uint8) for _ in range(2))
    ramp = np.repeat(np.arange(16), 3).astype(np.uint8)
    box = (0, 0, 13, 11)
    yield "gif_plain.gif", gif((13, 11), box, v, colours)
    yield "gif_local.gif", gif((13, 11), box, v, colours, others)
    yield "gif_only_local.gif", gif((13, 11), box, v, None, others)
    yield "gif_transparent.gif", gif((13, 11), box, v, colours, None, 5)
    yield "gif_interlaced.gif", gif((13, 11), box, v, colours, None, None, True)
    yield "gif_smaller.gif", gif((20, 19), (3, 4, 13, 11), v, colours)
    yield "gif_smaller_transparent.gif", gif((20, 19), (3, 4, 13, 11), v, colours, None, 7)
    yield "gif_larger.gif", gif((5, 6), (3, 4, 13, 11), v, colours)
    yield "gif_ramp.gif", gif((13, 11), box, v, ramp)
    yield "gif_local_ramp.gif", gif((13, 11), box, v, None, ramp)
    yield "gif_ramp_local.gif", gif((20, 19), (3, 4, 13, 11), v, ramp, others, 2)
    yield "gif_none.gif", gif((13, 11), box, v)
    yield "gif_few.gif", gif((13, 11), box, v, colours, depth=4).replace(b"\x83\3\0", b"\x82\3\0")
    for n in (3, 60, 255):
        f = io.BytesIO()
        im = Image.fromarray(picture(61, 47, 3)).quantize(n)
        im.save(f, "GIF", save_all=True, append_images=[im.rotate(180)])
        yield f"gif_pil{n}.gif", f.getvalue()


# ---- The rest ---------------------------------------------------------------------------------

def pil(array, kind, **how):
    f = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(f, kind, **how)
    return f.getvalue()


def jpeg_files():
    for i, how in enumerate([{"subsampling": s, "quality": q, "progressive": p}
                             for s in (0, 1, 2) for q in (30, 90) for p in (False, True)]):
        w, h = (int(v) for v in rng.integers(1, 90, 2))
        yield f"jpg_{i}.jpg", pil(picture(w, h, 3), "JPEG", **how)
    yield "jpg_gray.jpg", pil(picture(37, 41, 1)[..., 0], "JPEG")
    yield "jpg_gray_progressive.jpg", pil(picture(37, 41, 1)[..., 0], "JPEG", progressive=True)
    cmyk = Image.fromarray(picture(39, 29, 4), "CMYK")
    yield "jpg_cmyk.jpg", pil(cmyk, "JPEG", quality=95)
    data = pil(picture(50, 50, 3), "JPEG")
    yield "jpg_stray.jpg", data[:2] + b"\xff\xfe\x00\x08\xff\xc4\xff\xda\xff\xd9" + data[2:]
    yield "jpg_trailer.jpg", data + b"\0" * 100


def riff(data):
    """Names and bodies of a WebP's chunks."""
    chunks, at = {}, 12
    while at + 8 <= len(data):
        n = int.from_bytes(data[at + 4:at + 8], "little")
        chunks[data[at:at + 4]] = data[at + 8:at + 8 + n]
        at += 8 + n + n % 2
    return chunks


def webp(flags, w, h, *chunks):
    """A WebP whose VP8X says `flags`, whatever its chunks are."""
    head = (b"VP8X", struct.pack("<II", flags, w - 1)[:7] + struct.pack("<I", h - 1)[:3])
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
                    for name, data in (head,) + chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_files():
    yield "webp_lossy.webp", pil(picture(51, 37, 3), "WEBP", quality=60)
    yield "webp_lossless.webp", pil(picture(51, 37, 3), "WEBP", lossless=True)
    lossy = pil(picture(51, 37, 4), "WEBP", quality=60)
    yield "webp_alpha.webp", lossy
    lossless = pil(picture(51, 37, 4), "WEBP", lossless=True, exact=True)
    yield "webp_alpha_lossless.webp", lossless
    frames = [Image.fromarray(picture(40, 30, 4)) for _ in range(3)]
    animated = [pil(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=exact)
                for exact in (True, False)]
    yield "webp_animated.webp", animated[0]
    frames = [Image.fromarray(picture(40, 30, 3)) for _ in range(2)]
    yield "webp_animated_rgb.webp", pil(frames[0], "WEBP", save_all=True, append_images=frames[1:])

    # The header's flag of alpha (16) says another thing than the chunks.
    alpha, colours, exact = ((name, riff(data)[name]) for name, data in
                             ((b"ALPH", lossy), (b"VP8 ", lossy), (b"VP8L", lossless)))
    yield "webp_unsaid.webp", webp(0, 51, 37, alpha, colours)
    yield "webp_unsaid_profile.webp", webp(32, 51, 37, (b"ICCP", b"abc"), alpha, colours)
    yield "webp_unsaid_behind.webp", webp(0, 51, 37, colours, alpha)
    yield "webp_unsaid_lossless.webp", webp(0, 51, 37, exact)
    yield "webp_said_only.webp", webp(16, 51, 37, colours)
    for name, data in zip(("exact", "lossy"), animated):
        yield f"webp_unsaid_animated_{name}.webp", data[:20] + bytes([data[20] & ~16]) + data[21:]


def pnm_files():
    gray, rgb = picture(19, 13, 1)[..., 0], picture(19, 13, 3)
    deep = rng.integers(0, 65536, (13, 19))

    def plain(values):
        return b" \n".join(b"%d" % v for v in values.ravel().tolist()) + b"\n"

    yield "pnm_p5.pgm", b"P5\n# a comment\n19 13\n255\n" + gray.tobytes()
    yield "pnm_p6.ppm", b"P6 19 13 255 " + rgb.tobytes()
    yield "pnm_p4.pbm", b"P4\n19 13\n" + np.packbits(gray > 127, axis=1).tobytes()
    yield "pnm_p1.pbm", b"P1\n19 13\n" + b"".join(b"%d" % (v > 127) for v in gray.ravel())
    yield "pnm_p1_spaced.pbm", b"P1\n19 13\n" + plain(gray > 127).replace(b"True", b"1").replace(
        b"False", b"0")
    yield "pnm_p2.pgm", b"P2\n19 13\n255\n" + plain(gray)
    yield "pnm_p2_deep.pgm", b"P2\n19 13\n4095\n" + plain(deep & 4095)
    yield "pnm_p3.ppm", b"P3\n19 13 # size\n255\n" + plain(rgb)
    yield "pnm_p3_deep.ppm", b"P3\n19 13\n1023\n" + plain(np.tile(deep[..., None] & 1023, 3))
    yield "pnm_p5_16.pgm", b"P5\n19 13\n65535\n" + deep.astype(">u2").tobytes()
    for top in (1, 7, 100, 254):
        yield f"pnm_p5_{top}.pgm", b"P5\n19 13\n%d\n" % top + gray.tobytes()
        yield f"pnm_p6_{top}.ppm", b"P6\n19 13\n%d\n" % top + rgb.tobytes()
    for top in (256, 1000, 4095, 65534):
        yield f"pnm_p5_{top}.pgm", b"P5\n19 13\n%d\n" % top + deep.astype(">u2").tobytes()
    for top in (300, 65535):
        data = np.stack([deep, deep[::-1], deep[:, ::-1]], -1).astype(">u2").tobytes()
        yield f"pnm_p6_{top}.ppm", b"P6\n19 13\n%d\n" % top + data


FAMILIES = (png_files, bmp_files, gif_files, jpeg_files, webp_files, pnm_files)


def write_decoded(folder, cases, name, im):
    kind = "P" if im.mode in ("1", "P") else im.mode
    pixels = np.asarray(im.convert("RGB") if kind == "P" else im)
    if kind == "I":
        pixels = pixels.astype("<u2")
    elif name.startswith("png_4_16"):  # Pillow has no 16-bit LA, and repeats the gray
        kind, pixels = "LA", pixels[..., [0, 3]]
    Path(folder, name + ".raw").write_bytes(np.ascontiguousarray(pixels).tobytes())
    kind = "J" + kind if name.endswith(".jpg") else kind
    print(f"{folder}/{name}", kind, im.width, im.height, f"{folder}/{name}.raw", sep="\t",
          file=cases)


def decode(folder, cases):
    for family in FAMILIES:
        for name, data in family():
            Path(folder, name).write_bytes(data)
            with Image.open(Path(folder, name)) as im:
                im.load()
                write_decoded(folder, cases, name, im)


DRAFT_SIDE = 24  # test_image.c's


def draft(folder, cases):
    """JPEGs at a part of their size, as Image.draft has them."""
    for i, (width, height) in enumerate([(24, 24), (47, 90), (48, 48), (95, 96), (96, 97), (191, 400), (192, 192), (193, 255), (383, 200),
                                         (385, 384), (401, 777), (20, 900)]):
        for mode, subsampling in (("L", 0), ("RGB", 0), ("RGB", 1), ("RGB", 2), ("CMYK", 0)):
            for progressive in (False, True):
                name = f"draft_{width}x{height}_{mode}{subsampling}{'p' * progressive}.jpg"
                small = picture(width // 6 + 2, height // 6 + 2, {"L": 1, "RGB": 3, "CMYK": 4}[mode])
                im = Image.fromarray(small[..., 0] if mode == "L" else small, mode).resize((width, height), Image.BICUBIC)
                im.save(Path(folder, name), quality=60 + 3 * i, subsampling=subsampling, progressive=progressive)
                with Image.open(Path(folder, name)) as im:
                    im.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
                    write_decoded(folder, cases, name, im)


def exif(folder, cases):
    """A TIFF block of each byte order, and what Pillow turns the picture to."""
    for orientation in range(0, 11):
        for order, mark in (("<", b"II"), (">", b"MM")):
            entries = [(0x100, 4, 1, 99), (0x112, 3, 1, orientation), (0x11a, 5, 1, 0)]
            tiff = mark + struct.pack(order + "HI", 42, 8) + struct.pack(order + "H", len(entries))
            for tag, kind, count, value in entries:
                value = struct.pack(order + ("HH" if kind == 3 else "I"), *([value, 0][:2 - (kind != 3)]))
                tiff += struct.pack(order + "HHI", tag, kind, count) + value
            tiff += bytes(4)
            data = pil(picture(29, 18, 3), "JPEG", quality=95, subsampling=0)
            app = b"Exif\0\0" + tiff
            data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(app) + 2) + app + data[2:]
            name = f"exif_{orientation}_{mark.decode()}"
            files = {name + ".jpg": data,
                     name + ".png": png(picture(9, 14, 4), 8, 6, extra=chunk(b"eXIf", tiff)),
                     name + ".webp": pil(picture(21, 14, 3), "WEBP", exif=tiff)}
            for name, data in files.items():
                Path(folder, name).write_bytes(data)
                with Image.open(Path(folder, name)) as im:
                    write_decoded(folder, cases, name, ImageOps.exif_transpose(im))


    png_texts(folder, cases)


def png_texts(folder, cases):
    """Orientations in PNG's texts: ImageMagick's profile of hexadecimal digits, and XMP."""
    def tiff(entries):
        return b"II" + struct.pack("<HIH", 42, 8, len(entries)) + b"".join(
            struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in entries) + bytes(4)

    def profile(block):
        digits = (b"Exif\0\0" + block).hex()
        lines = [digits[i:i + 72] for i in range(0, len(digits), 72)]
        return ("\nexif\n%8d\n" % (len(block) + 6) + "\n".join(lines) + "\n").encode()

    def itxt(text, packed):
        return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"en\0\0" +
                     (zlib.compress(text) if packed else text))

    raw = b"Raw profile type exif\0"
    for o in range(0, 10):
        turned, plain, other = tiff([(0x112, o)]), tiff([(0x100, 7)]), tiff([(0x112, o % 8 + 1)])
        attribute = b'<x><y tiff:Orientation="%d"/></x>' % o
        element = b"<x>tiff:Orientation <tiff:Orientation>%d</tiff:Orientation></x>" % o
        texts = {"text": chunk(b"tEXt", raw + profile(turned)), "ztxt": chunk(b"zTXt", raw + b"\0" + zlib.compress(profile(turned))),
                 "upper": chunk(b"tEXt", raw + profile(turned).replace(b"exif", b"EXIF").upper().replace(b"EXIF", b"exif")),
                 "attribute": itxt(attribute, 0), "element": itxt(element, 1),
                 "none_in_exif": chunk(b"eXIf", plain) + itxt(attribute, 1),
                 "exif_first": chunk(b"tEXt", raw + profile(other)) + chunk(b"eXIf", turned),
                 "profile_first": itxt(b'<x tiff:Orientation="3"/>', 0) + chunk(b"tEXt", raw + profile(turned)),
                 "last_xmp": itxt(b'<x tiff:Orientation="3"/>', 0) + itxt(attribute, 0),
                 "other_key": chunk(b"tEXt", b"Comment\0" + profile(turned))}
        for kind, extra in texts.items():
            name = "text_%s_%d.png" % (kind, o)
            Path(folder, name).write_bytes(png(picture(9, 14, 4), 8, 6, extra=extra))
            with Image.open(Path(folder, name)) as im:
                im.load()
                write_decoded(folder, cases, name, ImageOps.exif_transpose(im))

    # Packed texts become 1 MiB at most, and all of them 64.  Beyond that Pillow takes no pixel
    # either: here the text alone is passed over, and the picture is as it is without.
    turn, mib = b'<x tiff:Orientation="6"/>', 1 << 20
    for name, extra in (("plain", itxt(turn.ljust(3 * mib), 0)), ("packed", itxt(turn.ljust(mib), 1)),
                        ("over", itxt(turn.ljust(mib + 1), 1)), ("bomb", itxt(turn.ljust(300 * mib), 1)),
                        ("many", itxt(turn.ljust(mib), 1) * 4000 + itxt(b"<x/>", 1))):
        name, samples = "text_long_%s.png" % name, picture(9, 14, 4)
        data = png(samples, 8, 6, extra=extra)
        Path(folder, name).write_bytes(data)
        try:
            im = ImageOps.exif_transpose(load(data))
        except ValueError:
            im = Image.fromarray(samples)
        write_decoded(folder, cases, name, im)


# ---- Damage ---------------------------------------------------------------------------------------

def jpeg_damage():
    """Files whose end, or whose segments, are not as they should be."""
    wholes = {"base": pil(picture(40, 29, 3), "JPEG"),
              "fine": pil(picture(33, 17, 3), "JPEG", subsampling=0),
              "gray": pil(picture(19, 23, 1)[..., 0], "JPEG"),
              "cmyk": pil(Image.fromarray(picture(21, 22, 4), "CMYK"), "JPEG"),
              "prog": pil(picture(40, 29, 3), "JPEG", progressive=True)}
    junk = rng.integers(0, 256, 64).astype(np.uint8).tobytes().replace(b"\xff", b"\x7f")
    segments = [b"\xff\xe9\0\0", b"\xff\xe9\xff\xff", b"\xff\xe1\0\x06abcd", b"\xff\xe1\0",
                b"\xff\xc4\0\x03\x55", b"\xff\xdb\0\x05\0\0\0", b"\xff\xfe\0\x08hello!",
                b"\xff\xd8", b"\xff\xd0", b"\xff\x01", b"\xff\x02", b"\xff\0\xff\xff", b"\xff\xdd\0\x04\0\0",
                b"\xff\xda\0\x08\1\1\0\0\x3f\0", b"\xff\xd9"]
    for name, whole in wholes.items():
        data = whole[:-2]
        for n in (1, 2, 3, 5, 9):
            yield f"{name}_cut{n}.jpg", whole, whole[:-n]
        for n in (2, 3, 4, 6, 8, 12, 64):
            for fill in (b"\0", b"\xff", b"U"):
                yield f"{name}_no_eoi_{n}_{fill[0]}.jpg", whole, data + fill * n
            yield f"{name}_no_eoi_{n}_junk.jpg", whole, data + junk[:n]
            yield f"{name}_short_{n}.jpg", whole, data[:-n] + b"\xff\xd9"
        for i, s in enumerate(segments):
            yield f"{name}_behind_{i}.jpg", whole, data + s + b"\xff\xd9"
            yield f"{name}_behind_{i}_no_eoi.jpg", whole, data + s + junk
            yield f"{name}_behind_{i}_end.jpg", whole, data + s
            if s != b"\xff\x01":  # TEM is a marker of the standard, but not of Pillow's list
                yield f"{name}_front_{i}.jpg", whole, whole[:2] + s + whole[2:]
        at = whole.index(b"\xff\xdb")
        for i, s in enumerate((b"abc", b"\xff\xff\xff", b"\0\0", b"\xff\0", b"\xff\0a\xff")):
            yield f"{name}_between_{i}.jpg", whole, whole[:at] + s + whole[at:]
        yield f"{name}_twice.jpg", whole, whole + whole
        yield f"{name}_twice_no_eoi.jpg", whole, data + whole


def png_damage():
    gray, rgb = picture(19, 13, 1), picture(19, 13, 3)
    for name, whole in {"rgb": png(rgb, 8, 2), "gray": png(gray >> 4, 4, 0), "woven": png(rgb, 8, 2, 1),
                        "pal": png(gray >> 4, 4, 3, 0, rng.integers(0, 256, 48).astype(np.uint8)),
                        "deep": png(gray.astype(np.uint16) * 257, 16, 0)}.items():
        def body(*chunks):
            return head + b"".join(chunk(b"IDAT", c) for c in chunks)

        first, head, data = whole.index(b"IDAT") - 4, whole[:whole.index(b"IDAT") - 4], b""
        at = first
        while whole[at + 4:at + 8] == b"IDAT":
            n = int.from_bytes(whole[at:at + 4], "big")
            data, at = data + whole[at + 8:at + 8 + n], at + 12 + n
        ends = chunk(b"IEND", b"")
        one, text = body(data), chunk(b"tEXt", b"Comment\0hello")
        for n in range(1, 40):
            yield f"{name}_cut{n}.png", whole, (one + ends)[:-n]
        for n in range(1, 60, 3):
            yield f"{name}_text_cut{n}.png", whole, (one + text + ends)[:-n]
        bad = lambda c: c[:-4] + b"\1\2\3\4"
        yield f"{name}_iend_zero.png", whole, one + b"\0" * 12
        yield f"{name}_iend_crc.png", whole, one + bad(ends)
        yield f"{name}_iend_junk.png", whole, one + b"anything that is no chunk"
        yield f"{name}_iend_long.png", whole, one + b"\0\0\xff\xffIEND"
        yield f"{name}_idat_crc.png", whole, bad(one) + ends
        yield f"{name}_idat_crc_first.png", whole, bad(body(data[:20])) + chunk(b"IDAT", data[20:]) + ends
        yield f"{name}_idat_long.png", whole, head + b"\0\1\0\0" + one[len(head) + 4:] + ends
        yield f"{name}_text_crc.png", whole, one + bad(text) + ends
        yield f"{name}_text_crc_front.png", whole, head + bad(text) + one[len(head):] + ends
        yield f"{name}_text_front.png", whole, head + text + one[len(head):] + ends
        yield f"{name}_text_between.png", whole, body(data[:30]) + text + chunk(b"IDAT", data[30:]) + ends
        yield f"{name}_header_crc.png", whole, whole[:29] + b"\1\2\3\4" + whole[33:]
        yield f"{name}_no_pixels.png", whole, head + ends
        yield f"{name}_adler.png", whole, body(data[:-4] + b"\1\2\3\4") + ends
        yield f"{name}_adler_cut.png", whole, body(data[:-3]) + ends
        yield f"{name}_adler_apart.png", whole, body(data[:-4], data[-4:]) + ends
        yield f"{name}_pixels_cut.png", whole, body(data[:-7]) + ends
        yield f"{name}_more.png", whole, body(data, b"more of it") + ends
        yield f"{name}_empty.png", whole, body(b"", data[:9], b"", data[9:], b"") + ends
        yield f"{name}_unknown.png", whole, head + chunk(b"ABCD", b"12") + one[len(head):] + ends
        yield f"{name}_unknown_behind.png", whole, one + chunk(b"ABCD", b"12") + ends
        yield f"{name}_trailer.png", whole, one + ends + b"trailer" * 9
        yield f"{name}_flip.png", whole, body(data[:15] + bytes([data[15] ^ 16]) + data[16:]) + ends


def data_is_text(data):
    return data[:1] == b"P" and data[1:2] in b"123"


def other_damage():
    """The other formats, cut near their ends and with something behind."""
    for family in (bmp_files, gif_files, pnm_files, webp_files):
        for name, whole in family():
            stem, ending = name.split(".")
            if data_is_text(whole):  # a number cut short is another number
                continue
            for n in (1, 2, 3, 4, 5, 9):
                yield f"{stem}_cut{n}.{ending}", whole, whole[:-n]
            yield f"{stem}_trailer.{ending}", whole, whole + b"abc\0\xff"


def load(data):
    with Image.open(io.BytesIO(data)) as im:
        im.load()
        return im


def damage(folder, cases):
    for family in (jpeg_damage, png_damage, other_damage):
        for name, whole, data in family():
            Path(folder, name).write_bytes(data)
            right = load(whole)
            try:
                im = load(data)
                same = im.mode == right.mode and im.size == right.size and \
                    np.array_equal(np.asarray(im.convert("RGBA")), np.asarray(right.convert("RGBA")))
                why = "its picture is another"
            except Exception as e:
                same, why = False, type(e).__name__
            if same:
                write_decoded(folder, cases, name, im)
            else:
                print(f"{folder}/{name}", "-", 0, 0, why.replace(" ", "_"), sep="\t", file=cases)


def parts(folder, cases):
    """libjpeg leaves gray where it has nothing; of a PNG Pillow leaves black, which is made gray."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    for i, (mode, how) in enumerate([("RGB", {}), ("RGB", {"progressive": True}), ("L", {}),
                                     ("CMYK", {}), ("RGB", {"subsampling": 0})]):
        whole = pil(Image.fromarray(picture(90, 70, len(mode)).squeeze(), mode), "JPEG", **how)
        for j in range(6, 16):
            name, data = f"part_{i}_{j}.jpg", whole[:len(whole) * j // 16]
            Path(folder, name).write_bytes(data)
            im = load(data)
            if np.asarray(im).any():  # else Pillow gave up, in the header of a later scan
                write_decoded(folder, cases, name, im)
    for depth, colour, channels in ((8, 2, 3), (8, 6, 4), (8, 0, 1), (16, 0, 1), (8, 4, 2)):
        samples = np.maximum(picture(50, 40, channels).astype(np.uint16), 1) << (depth - 8)
        whole = png(samples, depth, colour)
        for j in range(6, 16):
            name, data = f"part_{colour}_{depth}_{j}.png", whole[:len(whole) * j // 16]
            Path(folder, name).write_bytes(data)
            im = load(data)
            a = np.asarray(im).copy()
            gray = {"RGBA": (128, 128, 128, 255), "LA": (128, 255)}.get(im.mode, 128)
            a[(a.reshape(40, -1) == 0).all(axis=1)] = gray
            write_decoded(folder, cases, name, Image.fromarray(a, im.mode))


# ---- Crops: torchvision's, open_clip's and HuggingFace's rules in a few lines of Pillow -----------

def crop(im, size, resize, method, rules):
    method = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}[method]
    if rules == "hf":
        im = im.convert("RGB")
    w, h = im.size
    if resize == "squash":
        return im.resize((size, size), method).convert("RGB")
    w, h = (size, int(size * h / w)) if w <= h else (int(size * w / h), size)
    im = im.resize((w, h), method) if (w, h) != im.size else im
    left, top = ((w - size) // 2, (h - size) // 2)
    if rules == "openai":
        left, top = round((w - size) / 2), round((h - size) / 2)
    return im.crop((left, top, left + size, top + size)).convert("RGB")


def crops(folder, cases):
    def case(path, size, *how):
        with Image.open(path) as im:
            data = np.asarray(crop(im, size, *how)).tobytes()
        raw = f"{path}.{size}.{'.'.join(how)}"
        Path(raw).write_bytes(data)
        print(path, size, *how, raw, sep="\t", file=cases)

    pick = random.Random(7)
    files = []
    for family in (png_files, bmp_files, gif_files, pnm_files):
        for name, data in family():
            Path(folder, name).write_bytes(data)
            files.append(f"{folder}/{name}")
    sizes = [(int(a), int(b)) for a, b in rng.integers(1, 300, (40, 2))]
    sizes += [(1, 1), (1, 300), (300, 1), (1, 3000), (4000, 1), (2, 3), (64, 64), (64, 67), (67, 64),
              (65, 64), (63, 64), (500, 64), (64, 131), (1000, 700), (48, 49), (49, 48)]
    for i, (w, h) in enumerate(sizes):
        for c, mode in pick.sample([(3, "RGB"), (1, "L"), (4, "RGBA"), (2, "LA"), (1, "P")], 2):
            im = picture(w, h, c)
            im = Image.fromarray(im[..., 0] if c == 1 else im, "L" if mode == "P" else mode)
            if mode == "P":
                im.putpalette(rng.integers(0, 256, 768).astype(np.uint8).tobytes())
            path = f"{folder}/size_{i}_{mode}.png"
            im.save(path)
            files.append(path)
    for path in files:
        size = pick.choice([1, 7, 32, 48, 64])
        for rules in ("openai", "hf"):
            case(path, size, "shortest", pick.choice(["bicubic", "bicubic", "bilinear"]), rules)
        case(path, size, "squash", pick.choice(["bicubic", "bilinear"]), "openai")


def main():
    what, folder = sys.argv[1:]
    with open(f"{folder}/cases", "w") as cases:
        {"decode": decode, "crop": crops, "exif": exif, "draft": draft, "damage": damage, "part": parts}[what](folder, cases)


main()
