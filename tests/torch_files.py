"""Files as torch.save writes them, without PyTorch: Python's own pickle and zipfile, and stand-ins
for the few names of torch that a checkpoint mentions."""
import collections
import io
import pickle
import struct
import sys
import types
import zipfile

import numpy as np


class Storage:
    """One of torch's storages: an array of one dimension, and the name of its class."""

    def __init__(self, values, kind, key):
        self.values, self.kind, self.key = values, kind, key


KINDS = {"float32": "FloatStorage", "float16": "HalfStorage", "float64": "DoubleStorage", "int64": "LongStorage",
         "int32": "IntStorage", "int16": "ShortStorage", "int8": "CharStorage", "uint8": "ByteStorage",
         "bool": "BoolStorage"}


def module(name):
    if "." in name:
        module(name.rpartition(".")[0])
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
    return sys.modules[name]


def stand_in(where, name):
    """Something that pickles as the global WHERE.NAME and nothing else."""
    if not hasattr(module(where), name):
        setattr(module(where), name, type(name, (), {"__module__": where}))
    return getattr(module(where), name)


def function(where, name):
    def f(*args):
        raise AssertionError("never run")
    f.__module__, f.__name__, f.__qualname__ = where, name, name
    setattr(module(where), name, f)
    return f


module("torch")
kinds = {k: stand_in("torch", k) for k in list(KINDS.values()) + ["BFloat16Storage", "UntypedStorage"]}
rebuild = function("torch._utils", "_rebuild_tensor_v2")
rebuild_v3 = function("torch._utils", "_rebuild_tensor_v3")
parameter = function("torch._utils", "_rebuild_parameter")


class Tensor:
    """A tensor over a storage: sizes and strides in elements."""

    def __init__(self, storage, offset, size, stride):
        self.storage, self.offset, self.size, self.stride = storage, offset, tuple(size), tuple(stride)

    def __reduce__(self):
        return rebuild, (self.storage, self.offset, self.size, self.stride, False, collections.OrderedDict())


class Call:
    """What a callable of torch is said to have made of `args`."""

    def __init__(self, f, *args):
        self.f, self.args = f, args

    def __reduce__(self):
        return self.f, self.args


def tensors(arrays, first=0):
    """name -> array to name -> tensor, each over a storage of its own; their keys begin at `first`."""
    out = collections.OrderedDict()
    for i, (name, a) in enumerate(arrays.items(), first):
        stride = tuple(int(np.prod(a.shape[k + 1:], dtype=int)) for k in range(a.ndim))
        out[name] = Tensor(Storage(a.ravel(), KINDS[str(a.dtype)], str(i)), 0, a.shape, stride)
    return out


class Script:
    """A module of TorchScript: its class and its attributes."""

    def __init__(self, kind, **state):
        self.kind, self.state = kind, state


class Pickler(pickle._Pickler):  # the one in Python: it asks modules for names, and so takes ours
    def __init__(self, f, protocol, old):
        super().__init__(f, protocol)
        self.old, self.storages = old, collections.OrderedDict()

    def save(self, thing, save_persistent_id=True):
        if not isinstance(thing, Script):
            return super().save(thing, save_persistent_id)
        super().save(thing.kind)
        self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
        super().save(thing.state)
        self.write(pickle.BUILD)

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        self.storages[thing.key] = thing
        view = (None,) if self.old else ()
        return ("storage", kinds[thing.kind], thing.key, "cpu", len(thing.values)) + view


def dump(thing, protocol=2, old=False):
    """The bytes of the pickle and the storages that it names."""
    f = io.BytesIO()
    p = Pickler(f, protocol, old)
    p.dump(thing)
    return f.getvalue(), p.storages


def write_zip(path, thing, top="archive", protocol=2, align=False, more=(), store=zipfile.ZIP_STORED, data=None):
    """The layout since 1.6; align: the newer one, whose entries begin at multiples of 64."""
    program, storages = dump(thing, protocol)
    with zipfile.ZipFile(path, "w", store) as z:
        def put(name, content):
            info = zipfile.ZipInfo(top + "/" + name)
            info.compress_type = store
            if align:
                at = z.fp.tell() + 30 + len(info.filename)
                info.extra = b"FB" + struct.pack("<H", -(at + 4) % 64) + b"Z" * (-(at + 4) % 64)
            z.writestr(info, content)
        put("data.pkl", program if data is None else data)
        for name, content in more:
            put(name, content)
        for key, s in storages.items():
            put("data/" + key, s.values.tobytes())
        put("version", b"3\n")


def write_old(path, thing, protocol=2):
    """The layout before 1.6."""
    program, storages = dump(thing, protocol, True)
    with open(path, "wb") as f:
        pickle.dump(0x1950a86a20f9469cfc6c, f, protocol)
        pickle.dump(1001, f, protocol)
        pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}},
                    f, protocol)
        f.write(program)
        pickle.dump(list(storages), f, protocol)
        for s in storages.values():
            f.write(struct.pack("<q", len(s.values)) + s.values.tobytes())
