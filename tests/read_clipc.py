"""A reader of weight files, written from weights/README.md alone; numpy only."""
import hashlib
import struct

import numpy as np

ELEMENTS = {1: "<f4", 2: "<f2", 3: "<u2", 4: "i1", 5: "u1", 6: "<i4"}
BF16, Q8 = 3, 4
ROWS, PANELS, VECTOR = 0, 1, 2


def tower(b):
    keys = "width heads layers mlp_width activation pool flags".split()
    t = dict(zip(keys, struct.unpack("<7I", b[:28])))
    t["ln_eps"], t["positions"] = struct.unpack("<fI", b[28:36])
    assert not any(b[36:])
    return t


def up(n, multiple):
    return -(-n // multiple) * multiple


def tensor(data, record):
    dtype, layout = record[56], record[57]
    rows, cols, rows_padded, cols_padded, offset, size = struct.unpack("<IIIIQQ", record[64:96])
    assert offset % 64 == 0 and offset + size <= len(data)
    row_multiple, col_multiple = {ROWS: (1, 1), PANELS: (32, 64), VECTOR: (1, 64)}[layout]
    assert (rows_padded, cols_padded) == (up(rows, row_multiple), up(cols, col_multiple))
    a = np.frombuffer(data[offset:offset + size], ELEMENTS[dtype])
    if dtype == BF16:
        a = (a.astype("<u4") << 16).view("<f4")
    if layout == PANELS and dtype == BF16:  # [out / 32][in / 2][32][2]
        a = a.reshape(rows_padded // 32, cols_padded // 2, 32, 2).transpose(0, 2, 1, 3)
    elif layout == PANELS and dtype == Q8:  # [out / 32][in / 4][32][4]; .scale, .sums and .smooth lie beside it
        a = a.reshape(rows_padded // 32, cols_padded // 4, 32, 4).transpose(0, 2, 1, 3)
    elif layout == PANELS:  # [out / 32][in][32]
        a = a.reshape(rows_padded // 32, cols_padded, 32).transpose(0, 2, 1)
    a = a.reshape(rows_padded, cols_padded)
    assert not a[rows:].any() and not a[:, cols:].any()
    a = a[:rows, :cols]
    return a[0] if rows == 1 else a


def records(data):
    """Name and the 96 bytes of each record."""
    at, count, stride = struct.unpack("<QII", data[24:40])
    for i in range(count):
        record = data[at + stride * i:at + stride * (i + 1)]
        yield record[:56].split(b"\0")[0].decode(), record


def read(path):
    data = open(path, "rb").read()
    assert data[:8] == b"clipc\r\n\x1a"
    version, header_bytes, file_bytes, _, _, stride, features = struct.unpack("<IIQQIII", data[8:44])
    assert version == 2 and header_bytes >= 448 and stride >= 96 and file_bytes == len(data) and features == 0
    blank = data[:48] + bytes(32) + data[80:]
    assert hashlib.sha256(blank).digest() == data[48:80]
    header = {"name": data[80:144].split(b"\0")[0].decode()}
    header["embed_dim"], header["score"] = struct.unpack("<II", data[144:152])
    header["logit_scale"], header["logit_bias"] = struct.unpack("<ff", data[152:160])
    header["image_size"], header["patch_size"] = struct.unpack("<II", data[176:184])
    keys = "vocab_size tokenizer tokenizer_rules sot_id eot_id pad_id tokenizer_flags".split()
    header.update(zip(keys, struct.unpack("<7I", data[240:268])))
    header["vision"], header["text"] = tower(data[272:336]), tower(data[336:400])
    return header, {name: tensor(data, record) for name, record in records(data)}
