"""A reader of weight files, written from weights/README.md alone; numpy only."""
import hashlib
import struct

import numpy as np


def tower(b):
    keys = "width heads layers mlp_width activation pool flags".split()
    t = dict(zip(keys, struct.unpack("<7I", b[:28])))
    t["ln_eps"], t["positions"], t["dtype"] = struct.unpack("<fII", b[28:40])
    return t


def read(path):
    data = open(path, "rb").read()
    assert data[:8] == b"clipc\r\n\x1a"
    version, header_bytes, file_bytes, records, count, size, features = struct.unpack("<IIQQIII", data[8:44])
    assert version == 1 and size == 64 and file_bytes == len(data) and features == 0
    blank = data[:48] + bytes(32) + data[80:]
    assert hashlib.sha256(blank).digest() == data[48:80]
    header = {"name": data[80:144].split(b"\0")[0].decode()}
    header["embed_dim"], header["score"] = struct.unpack("<II", data[144:152])
    header["logit_scale"], header["logit_bias"] = struct.unpack("<ff", data[152:160])
    header["image_size"], header["patch_size"] = struct.unpack("<II", data[176:184])
    header["vocab_size"] = struct.unpack("<I", data[240:244])[0]
    header["vision"], header["text"] = tower(data[272:336]), tower(data[336:400])
    tensors = {}
    for i in range(count):
        r = data[records + 64 * i:records + 64 * (i + 1)]
        name = r[:28].split(b"\0")[0].decode()
        dtype, layout = r[28], r[29]
        rows, cols, rows_padded, cols_padded, offset, size = struct.unpack("<IIIIQQ", r[32:64])
        a = np.frombuffer(data[offset:offset + size], {1: "<f4", 2: "<f2", 5: "u1", 6: "<i4"}[dtype])
        if layout == 1:  # panels [out / 32][in][32]
            a = a.reshape(rows_padded // 32, cols_padded, 32).transpose(0, 2, 1)
            a = a.reshape(rows_padded, cols_padded)
            assert not a[rows:].any() and not a[:, cols:].any()
            a = a[:rows, :cols]
        elif rows > 1:
            a = a.reshape(rows, cols)
        assert offset % 64 == 0
        tensors[name] = a
    return header, tensors
