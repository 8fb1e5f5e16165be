"""CLIP from Python: images and texts in, embeddings out, from libclipc through ctypes.

    from clipc import Clip, cosine_similarity

    clip = Clip("vit-b-32.clipc")                          # Clip(): the demo model
    picture = clip.embed_image("photo.jpg")                # [1, dim]
    texts = clip.embed_text(["a cat", "a dog"])            # [2, dim]
    print(cosine_similarity(picture[0], texts[0]))
    print(clip.compare("photo.jpg", {"cat": "a photo of a cat", "dog": "a photo of a dog"}))

One file and the standard library; vectors are NumPy arrays where NumPy is installed, else lists of
array.array.  The names are those of Roboflow Inference (Clip, Stream, cosine_similarity), so that a
program for it changes its imports; README.md beside this file tells what differs.

The library is $CLIPC_LIBRARY, or libclipc.so beside this file, in the build/ or lib/ folder that
belongs to it, or of the system.  Weight files come from `clipc convert`.
"""
import array
import ctypes
import os
import re
import select
import stat
import subprocess
import threading
import weakref

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["Clip", "ClipcError", "Stream", "cosine_similarity", "version"]

_HERE = os.path.dirname(os.path.abspath(__file__))
_MOST_PIXELS = 178956970  # what the library's decoders take, unless told otherwise


class ClipcError(RuntimeError):
    """What failed, in a sentence.  `status`: the library's enum clipc_status, None where another
    program or this file failed."""

    def __init__(self, sentence, status=None):
        super().__init__(sentence)
        self.status = status


# ---- The library: structs as in clipc.h (the tests compare every offset) --------------------------

# enum clipc_format of Pillow's modes, and of arrays by their channels.
_MODES = {"RGB": 0, "RGBA": 1, "L": 2, "LA": 3, "CMYK": 4}
_FORMATS = {1: _MODES["L"], 2: _MODES["LA"], 3: _MODES["RGB"], 4: _MODES["RGBA"]}


class _ModelInfo(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("name", ctypes.c_char_p), ("dim", ctypes.c_int),
                ("image_size", ctypes.c_int), ("context_length", ctypes.c_int),
                ("vocab_size", ctypes.c_int), ("has_tokenizer", ctypes.c_int),
                ("score", ctypes.c_int), ("logit_scale", ctypes.c_float),
                ("logit_bias", ctypes.c_float), ("display_low", ctypes.c_float),
                ("display_high", ctypes.c_float), ("image_dtype", ctypes.c_int),
                ("text_dtype", ctypes.c_int), ("sha256", ctypes.c_uint8 * 32)]


class _Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int), ("batch", ctypes.c_int),
                ("kernels", ctypes.c_char_p), ("precision", ctypes.c_int),
                ("preprocess", ctypes.c_int), ("tokenizer", ctypes.c_int),
                ("full_context", ctypes.c_int), ("trace", ctypes.c_void_p),
                ("trace_arg", ctypes.c_void_p)]


class _Image(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("width", ctypes.c_uint32), ("height", ctypes.c_uint32),
                ("stride", ctypes.c_size_t), ("format", ctypes.c_int), ("palette", ctypes.c_int)]


class _ImageOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("max_file_bytes", ctypes.c_size_t),
                ("max_pixels", ctypes.c_size_t), ("apply_exif", ctypes.c_int),
                ("truncated", ctypes.c_int), ("least_side", ctypes.c_int)]


class _Text(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("length", ctypes.c_size_t)]


_STRUCTS = {"clipc_model_info": _ModelInfo, "clipc_options": _Options, "clipc_image": _Image,
            "clipc_image_options": _ImageOptions, "clipc_text": _Text}

_HANDLE, _FLOATS = ctypes.c_void_p, ctypes.POINTER(ctypes.c_float)
_FUNCTIONS = {
    "clipc_version": (ctypes.c_char_p,),
    "clipc_errmsg": (ctypes.c_char_p,),
    "clipc_open": (ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(_HANDLE)),
    "clipc_close": (None, _HANDLE),
    "clipc_model_info": (ctypes.c_int, _HANDLE, ctypes.POINTER(_ModelInfo)),
    "clipc_session_new": (ctypes.c_int, _HANDLE, ctypes.POINTER(_Options),
                          ctypes.POINTER(_HANDLE)),
    "clipc_session_free": (None, _HANDLE),
    "clipc_image_read": (ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(_ImageOptions),
                         ctypes.POINTER(_Image)),
    "clipc_image_decode": (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t,
                           ctypes.POINTER(_ImageOptions), ctypes.POINTER(_Image)),
    "clipc_image_free": (None, ctypes.POINTER(_Image)),
    "clipc_encode_images": (ctypes.c_int, _HANDLE, ctypes.POINTER(_Image), ctypes.c_size_t,
                            ctypes.c_void_p),
    "clipc_encode_texts": (ctypes.c_int, _HANDLE, ctypes.POINTER(_Text), ctypes.c_size_t,
                           ctypes.c_void_p),
    "clipc_cosine": (ctypes.c_float, _FLOATS, _FLOATS, ctypes.c_size_t),
}


def _places(name, folders):
    return [os.path.join(_HERE, folder, name) for folder in folders]


def _load_library():
    named = os.environ.get("CLIPC_LIBRARY")
    places = [named] if named else (
        [p for p in _places("libclipc.so.0", (".", "../../build", "../../lib")) if os.path.exists(p)]
        + ["libclipc.so.0"])
    try:
        library = ctypes.CDLL(places[0])
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise ClipcError("%s: %s (`make` builds build/libclipc.so, `make install` installs it; "
                         "$CLIPC_LIBRARY names another)" % (places[0], error)) from None
    if library.clipc_version().split(b".")[0] != b"0":
        raise ClipcError("%s: version %s of the library, and this file is for 0.x"
                         % (places[0], library.clipc_version().decode()))
    return library


_library = None
_library_lock = threading.Lock()


def _lib():
    """The library, loaded when first needed: to import this file needs none."""
    global _library
    with _library_lock:
        if _library is None:
            _library = _load_library()
    return _library


def _check(status, name=""):
    if status != 0:
        raise ClipcError(name + _lib().clipc_errmsg().decode("utf-8", "replace"), status)


def version():
    """The library's version, "0.1.0"."""
    return _lib().clipc_version().decode()


# ---- Vectors -----------------------------------------------------------------------------------

def _rows(n, dim):
    """[n, dim] float32, and the address of its first number."""
    if numpy is not None:
        rows = numpy.empty((n, dim), numpy.float32)
        return rows, rows.ctypes.data
    flat = array.array("f", bytes(4 * n * dim))
    return flat, flat.buffer_info()[0]


def _finish(rows, dim):
    if numpy is not None:
        return rows
    return [rows[i:i + dim] for i in range(0, len(rows), dim)]


def _vector(values):
    """One vector, [dim] or [1, dim], as C floats."""
    if len(values) == 1 and hasattr(values[0], "__len__"):
        values = values[0]
    if numpy is not None:
        values = numpy.ascontiguousarray(values, numpy.float32)
        if values.ndim != 1:
            raise ValueError("a vector is wanted, not an array of shape %s" % (values.shape,))
        values = memoryview(values)
    else:
        values = memoryview(array.array("f", values))
    return (ctypes.c_float * len(values)).from_buffer_copy(values)


def cosine_similarity(a, b):
    """Cosine of the angle between two vectors of the same length, [dim] or [1, dim] each: a float in
    [-1, 1]; 0 if one is all zeros, NaN if one has a NaN or an infinity in it."""
    a, b = _vector(a), _vector(b)
    if len(a) != len(b):
        raise ValueError("vectors of %d and of %d numbers are of different models"
                         % (len(a), len(b)))
    return float(_lib().clipc_cosine(a, b, len(a)))


# ---- Images ------------------------------------------------------------------------------------

def _pixels(image, channel_order):
    """_Image of an array [height, width], [height, width, 1 to 4] of bytes; the pixels are copied."""
    view = memoryview(image)
    if view.format != "B":
        raise TypeError("an image array holds bytes (uint8, 0 to 255), not '%s'" % view.format)
    height, width, channels = (tuple(view.shape) + (1,))[:3] if view.ndim in (2, 3) else (0, 0, 0)
    if channels not in _FORMATS or not (0 < width < 65536 and 0 < height < 65536):
        raise ValueError("an image array is [height, width, 3] (or 1 or 4, or no third number), "
                         "not %s" % (list(view.shape),))
    data = bytearray(view.tobytes())
    if channel_order == "BGR" and channels >= 3:
        data[0::channels], data[2::channels] = data[2::channels], data[0::channels]
    pixels = (ctypes.c_ubyte * len(data)).from_buffer(data)
    picture = _Image(ctypes.addressof(pixels), width, height, width * channels,
                     _FORMATS[channels], 0)
    picture.pixels = pixels  # lives as long as the struct that points at it
    return picture


class Clip:
    """A model and a session of it.

    model           a weight file (.clipc); None: $CLIPC_MODEL, or the demo model, which knows nothing
                    but drawn playing cards and shapes
    threads         worker threads, 0: one for each CPU
    kernels         name of a kernel set ("scalar", "avx2", ...), None: the best
    apply_exif      turn pictures as their EXIF orientation says (the references do not)

    Any number of threads may use one Clip: files are read side by side, the network is computed for
    one call at a time, by all CPUs, without Python's lock.  Errors of the library are ClipcError
    with its sentence."""

    def __init__(self, model=None, threads=0, kernels=None, apply_exif=False):
        lib = _lib()
        handle, session = _HANDLE(), _HANDLE()
        _check(lib.clipc_open(_path(_default_model() if model is None else model), ctypes.byref(handle)))
        self._info = _ModelInfo(size=ctypes.sizeof(_ModelInfo))
        options = _Options(size=ctypes.sizeof(_Options), threads=threads,
                           kernels=kernels.encode() if kernels else None)
        try:
            _check(lib.clipc_model_info(handle, ctypes.byref(self._info)))
            _check(lib.clipc_session_new(handle, ctypes.byref(options), ctypes.byref(session)))
        except ClipcError:
            lib.clipc_close(handle)
            raise
        self.name = self._info.name.decode("utf-8", "replace")
        self.dim = self._info.dim
        self.image_size = self._info.image_size
        #: cosines worth showing, as the weight file says; (0.0, 0.0): it does not
        self.display_range = (self._info.display_low, self._info.display_high)
        self._info.name = None  # points into the file
        self._session = session
        self._lock = threading.Lock()
        self._image_options = _ImageOptions(size=ctypes.sizeof(_ImageOptions),
                                            apply_exif=bool(apply_exif))
        self._free = weakref.finalize(self, _free, lib, session, handle)
        self._free.atexit = False  # a daemon thread may still be in the library then

    def close(self):
        """Free the model now rather than with the object."""
        with self._lock:
            self._free()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def embed_text(self, text):
        """Vectors of a str or a list of them: [n, dim] float32, not normalised (`clipc embed --raw`).
        A text longer than the model's context is cut, its end token kept."""
        texts = list(text) if isinstance(text, (list, tuple)) else [text]
        if not texts:
            raise ValueError("At least one text is required")
        for t in texts:
            if not isinstance(t, str):
                raise TypeError("a text is a str, not %s" % type(t).__name__)
        data = [_utf8(t) for t in texts]
        structs = (_Text * len(data))(*[_Text(d, len(d)) for d in data])
        rows, address = _rows(len(data), self.dim)
        self._encode(_lib().clipc_encode_texts, structs, len(data), address)
        return _finish(rows, self.dim)

    def embed_image(self, image, channel_order="RGB"):
        """Vectors of an image or a list of images: [n, dim] float32, not normalised.  An image is a
        path, a file's bytes, an array [height, width, 3] of uint8 (or [height, width] gray, or with a
        fourth number for alpha, which is dropped), or a Pillow image.  `channel_order` tells what
        arrays hold: "RGB", or "BGR" as those of OpenCV; files need no telling."""
        if channel_order not in ("RGB", "BGR"):
            raise ValueError("channel_order is 'RGB' or 'BGR', not %r" % (channel_order,))
        images = list(image) if isinstance(image, (list, tuple)) else [image]
        if not images:
            raise ValueError("At least one image is required")
        rows, address = _rows(len(images), self.dim)
        for start in range(0, len(images), 8):  # as many as are decoded at once
            part = images[start:start + 8]
            names = ["image %d: " % (start + i) if len(images) > 1 else "" for i in range(1, 9)]
            self._embed_images(part, names, channel_order, address + 4 * start * self.dim)
        return _finish(rows, self.dim)

    def compare(self, subject, prompt, subject_type="image", prompt_type="text",
                channel_order="RGB"):
        """Cosines of the subject, one image or text, with each prompt: a list in the order of the
        prompts, or for {name: prompt} a dict with the same names.  `prompt_type` says what all the
        prompts are."""
        embed = {}
        for what, kind in ("subject_type", subject_type), ("prompt_type", prompt_type):
            if kind not in ("image", "text"):
                raise ValueError("%s must be either 'image' or 'text'" % what)
            embed[what] = self.embed_text if kind == "text" else (
                lambda images: self.embed_image(images, channel_order))
        if isinstance(subject, (list, tuple)):
            raise ValueError("the subject is one image or one text, not a list")
        prompts = list(prompt.values()) if isinstance(prompt, dict) else prompt
        prompts = prompts if isinstance(prompts, (list, tuple)) else [prompts]
        if not prompts:
            raise ValueError("At least one prompt is required")
        vector = embed["subject_type"](subject)[0]
        cosines = [cosine_similarity(vector, v) for v in embed["prompt_type"](prompts)]
        return dict(zip(prompt, cosines)) if isinstance(prompt, dict) else cosines

    def _encode(self, function, structs, n, address):
        with self._lock:
            if not self._free.alive:
                raise ClipcError("this Clip is closed")
            _check(function(self._session, structs, n, address))

    def _embed_images(self, images, names, channel_order, address):
        structs, keep, ours = (_Image * len(images))(), [], []
        try:
            for i, image in enumerate(images):
                if isinstance(image, (str, bytes, bytearray, os.PathLike)):
                    self._read(image, names[i], structs[i])
                    ours.append(structs[i])
                else:
                    keep.append(_foreign(image, channel_order))
                    structs[i] = keep[-1]
            self._encode(_lib().clipc_encode_images, structs, len(images), address)
        finally:
            for picture in ours:
                _lib().clipc_image_free(ctypes.byref(picture))

    def _read(self, image, name, picture):
        options, out = ctypes.byref(self._image_options), ctypes.byref(picture)
        if isinstance(image, (bytes, bytearray)):
            image = bytes(image)
            _check(_lib().clipc_image_decode(image, len(image), options, out), name)
        else:
            _check(_lib().clipc_image_read(_path(image), options, out))


def _foreign(image, channel_order):
    """_Image of a Pillow image, or of anything that has the buffer protocol."""
    if hasattr(image, "convert") and hasattr(image, "mode"):
        palette = image.mode in ("1", "P")
        if image.mode not in _MODES:
            image = image.convert("RGB")
        shape = (image.height, image.width, len(image.getbands()))
        picture = _pixels(memoryview(image.tobytes()).cast("B", shape), "RGB")
        picture.format, picture.palette = _MODES[image.mode], palette
        return picture
    try:
        return _pixels(image, channel_order)
    except (TypeError, BufferError) as error:
        if hasattr(image, "dtype") or isinstance(image, (memoryview, array.array)):
            raise
        raise TypeError("an image is a path, a file's bytes, an array of uint8 or a Pillow image, "
                        "not %s" % type(image).__name__) from error


def _free(lib, session, handle):
    lib.clipc_session_free(session)
    lib.clipc_close(handle)


def _path(path):
    path = os.fsencode(path)
    if b"\0" in path:
        raise ValueError("a path with a zero byte in it: %r" % path)
    return path


def _utf8(text):
    try:
        return text.encode("utf-8", "surrogateescape")  # bytes of a command line that are no UTF-8
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _default_model():
    named = os.environ.get("CLIPC_MODEL")
    places = [named] if named else _places("demo.clipc", (".", "../../weights"))
    for place in places:
        if os.path.exists(place) or named:
            return place
    raise ClipcError("no demo model beside %s (demo.clipc) and none in weights/: name a weight file, "
                     "Clip(\"model.clipc\"), or set $CLIPC_MODEL" % _HERE)


# ---- Video -------------------------------------------------------------------------------------

# Containers that hold what they show.  Playlists (concat, hls, dash, ...) would have ffmpeg open whatever
# they name.  The same list as in tools/video/command.c.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,live_flv,mpeg,mpegts,mpegtsraw,mpegvideo,m4v,"
    "h264,hevc,vvc,av1,obu,ivf,vc1,dirac,ogg,asf,asf_o,rm,nut,nsv,nuv,mxf,gxf,dv,wtv,swf,mjpeg,"
    "mjpeg_2000,mpjpeg,smjpeg,yuv4mpegpipe,gif,apng,h261,h263,cavsvideo,lxf,mtv,roq,bink,flic,"
    "rpl,vivo,pva")
_CAMERA = re.compile(r"(?:webcam|webcam:(\d+)|/dev/video(\d+))$")
_URL = re.compile(r"(?:rtsps?|https?|rtmp|udp|rtp|srt)://", re.IGNORECASE)
# An http address with such an ending is a film with an end, others are cameras.
_FILM = re.compile(r"https?://[^?#]*\.(mp4|m4v|mov|mkv|webm|avi|mpg|ogv|gif|y4m)([?#].*)?$", re.IGNORECASE)


def _ffmpeg_input(source):
    """(arguments that name the input and what it may open, whether it is live)."""
    camera = _CAMERA.match(source)
    if camera:
        device = "/dev/video" + (camera.group(1) or camera.group(2) or "0")
        return ["-fflags", "nobuffer", "-f", "v4l2", "-i", device], True
    if not _URL.match(source):
        os.stat(source)  # a FileNotFoundError is clearer than ffmpeg's words
        return ["-protocol_whitelist", "file", "-format_whitelist", _CONTAINERS,
                "-i", "file:" + source], False
    live = not _FILM.match(source)
    arguments = ["-fflags", "nobuffer"] if live else []
    if source.lower().startswith("rtsp"):
        arguments += ["-rtsp_transport", "tcp",
                      "-protocol_whitelist", "rtsp,rtsps,rtp,srtp,tcp,udp,tls"]
    else:
        arguments += ["-protocol_whitelist", "http,https,httpproxy,tcp,tls,crypto,udp,rtp,rtmp,srt"]
    return arguments + ["-i", source], live


class _Decoder:
    """ffmpeg, whose frames come through a pipe as PPM, each with its own size."""

    def __init__(self, source, arguments, timeout):
        self.source, self.timeout = source, timeout
        command = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"] + arguments + [
            # Of a constant rate, as it seems to it, no version of ffmpeg drops or repeats a frame.
            "-map", "0:V:0", "-vf", "settb=1/25,setpts=N", "-r", "25",
            "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "pipe:1"]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except FileNotFoundError:
            raise ClipcError("%s: ffmpeg is not installed, and it reads all video but y4m "
                             "(apt-get install ffmpeg)" % source) from None
        self._said = b""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self):
        for said in iter(lambda: os.read(self.process.stderr.fileno(), 4096), b""):
            self._said = (self._said + said)[-2000:]

    def read(self, n):
        """n bytes, fewer at the end."""
        data, got = bytearray(n), 0
        pipe, view, ready = self.process.stdout.fileno(), memoryview(data), select.poll()
        ready.register(pipe, select.POLLIN)
        while got < n:
            if not ready.poll(None if self.timeout is None else 1000 * self.timeout):
                raise ClipcError("%s: no picture for %g s" % (self.source, self.timeout))
            more = os.readv(pipe, [view[got:]])
            if more == 0:
                break
            got += more
        del view
        del data[got:]
        return data

    def frames(self):
        """(width, height, RGB bytes) of each frame; ClipcError when ffmpeg could not go on."""
        n = 0
        while True:
            header = self.read(3)
            while header and header.count(b"\n") < 3:
                more = self.read(1)
                if not more:
                    break
                header += more
            match = re.fullmatch(br"P6\n(\d+) (\d+)\n255\n", bytes(header))
            if not match:
                break
            width, height = int(match.group(1)), int(match.group(2))
            pixels = self.read(3 * width * height)
            if len(pixels) < 3 * width * height:
                break
            n += 1
            yield width, height, pixels
        status = self.process.wait()
        self._listener.join()
        said = self._said.decode("utf-8", "replace").strip()
        if "ot on whitelist" in said:
            said = "it is not a film, or it names other files or addresses, which are not opened"
        said = said.split("\n")[-1]
        if status != 0 or n == 0:
            raise ClipcError("%s: ffmpeg: %s" % (self.source, said or "no picture in it"))

    def stop(self):
        """End ffmpeg, so that a read under way ends too."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._listener.join()

    def close(self):
        self.process.stdout.close()
        self.process.stderr.close()


class _Y4m:
    """A y4m file of 8-bit 4:2:0, 4:2:2, 4:4:4 or gray frames."""

    _SHIFTS = {"420": (1, 1), "422": (1, 0), "444": (0, 0), "mono": None}

    def __init__(self, source, file, header):
        self.source, self.file = source, file
        tags = {}
        for tag in header.decode("ascii", "replace").split()[1:]:
            tags.setdefault("RANGE" if tag.startswith("XCOLORRANGE=") else tag[0], tag)
        self.width, self.height = int(tags["W"][1:]), int(tags["H"][1:])
        kind = re.sub(r"^C(420(jpeg|paldv|mpeg2)?|422|444|mono)$", r"\1", tags.get("C", "C420"))
        self.shifts = self._SHIFTS[kind[:3] if kind[0] == "4" else kind]
        self.tables = _yuv_tables(full=tags.get("RANGE") == "XCOLORRANGE=FULL")
        if not (0 < self.width < 65536 and 0 < self.height < 65536
                and self.width * self.height <= _MOST_PIXELS):
            raise ValueError

    @classmethod
    def open(cls, source):
        """None when the file is no y4m, or of a kind that ffmpeg is for."""
        if not os.path.exists(source) or not stat.S_ISREG(os.stat(source).st_mode):
            return None
        file = open(source, "rb")
        try:
            header = file.readline(1000)
            if header.startswith(b"YUV4MPEG2 ") and header.endswith(b"\n"):
                return cls(source, file, header)
        except (KeyError, ValueError):
            pass
        file.close()
        return None

    def frames(self):
        """(width, height, RGB bytes) of each frame; ClipcError when the file ends within one."""
        width, height = self.width, self.height
        chroma = 0
        if self.shifts:
            chroma = (width + self.shifts[0] >> self.shifts[0]) * (height + self.shifts[1]
                                                                   >> self.shifts[1])
        size = width * height + 2 * chroma
        n = 0
        while True:
            line = self.file.readline(1000)
            data = self.file.read(size) if line.startswith(b"FRAME") else b""
            if not line and n > 0:
                return
            if len(data) < size:
                raise ClipcError("%s: damaged or cut off in frame %d" % (self.source, n + 1))
            n += 1
            planes = data[:width * height], data[width * height:size - chroma], data[size - chroma:]
            yield width, height, _rgb(planes, width, height, self.shifts, self.tables)

    def stop(self):
        pass  # no read of a regular file takes long

    def close(self):
        self.file.close()


def _yuv_tables(full):
    """BT.601 in units of 1/65536, as in tools/video/y4m.c: what Y, V (red), U and V (green) and U (blue)
    add."""
    scale, red, green_u, green_v, blue = ((65536, 91881, 22553, 46802, 116130) if full else
                                          (76309, 104597, 25675, 53279, 132201))
    offset = 0 if full else 16
    tables = [[scale * (y - offset) + 32768 for y in range(256)]]
    tables += [[factor * (c - 128) for c in range(256)]
               for factor in (red, -green_u, -green_v, blue)]
    return tables if numpy is None else numpy.array(tables, numpy.int32)


def _rgb(planes, width, height, shifts, tables):
    """RGB bytes of planes Y, U, V; a chroma sample stands for all pixels that it covers."""
    luma, red, green_u, green_v, blue = tables
    if shifts is None:
        planes, shifts = (planes[0], bytes([128]) * (width * height), bytes([128]) * (width * height)), (0, 0)
    across = (width + shifts[0]) >> shifts[0]
    out = bytearray(3 * width * height)
    if numpy is not None:
        y = luma[numpy.frombuffer(planes[0], numpy.uint8)].reshape(height, width)
        u, v = (numpy.frombuffer(p, numpy.uint8).reshape(-1, across) for p in planes[1:])
        rgb = numpy.frombuffer(out, numpy.uint8).reshape(height, width, 3)
        for i, add in enumerate((red[v], green_u[u] + green_v[v], blue[u])):
            add = add.repeat(1 << shifts[1], 0).repeat(1 << shifts[0], 1)[:height, :width]
            rgb[:, :, i] = ((y + add) >> 16).clip(0, 255)
        return out
    for row in range(height):
        start, at = (row >> shifts[1]) * across, row * width
        y = [luma[b] for b in planes[0][at:at + width]]
        u, v = (p[start:start + across] for p in planes[1:])
        if shifts[0]:
            u, v = (bytes(x for c in part for x in (c, c)) for part in (u, v))
        for i, add in enumerate(([red[c] for c in v],
                                 [green_u[c] + green_v[d] for c, d in zip(u, v)],
                                 [blue[c] for c in u])):
            out[3 * at + i:3 * (at + width):3] = bytes(
                min(max((a + b) >> 16, 0), 255) for a, b in zip(y, add))
    return out


class Stream:
    """Frames of a video, each with its embedding.

    source                a video file; "webcam", "webcam:1", a number, /dev/video0; rtsp://, http://
    model                 a Clip, or a weight file
    on_prediction         called with {"frame_id": 1, 2, ..., "embeddings": [[...]]} and the frame, an
                          array [height, width, 3] of uint8 that is the callee's to draw on
    output_channel_order  of that frame: "BGR", as OpenCV has it, or "RGB"
    use_main_thread       True: everything happens before Stream(...) returns, in the calling thread,
                          which is what windows want.  False: in a thread of its own
    live                  True: only the newest frame is embedded, those that came meanwhile are
                          dropped and counted.  None: cameras and urls are live, but for http
                          addresses of films (.mp4 ...); files are not
    timeout               seconds without a frame after which it gives up; None: never
    on_start, on_stop     called before the first frame and after the last

    It begins at once.  `join()` waits for its end and raises what ended it, `terminate()` ends it, from
    the callback too; `dropped` counts frames.  y4m files are read here, all else by ffmpeg."""

    def __init__(self, source, model=None, on_prediction=None, output_channel_order="BGR",
                 use_main_thread=False, live=None, timeout=30, on_start=None, on_stop=None):
        if output_channel_order not in ("RGB", "BGR"):
            raise ValueError("output_channel_order is 'RGB' or 'BGR', not %r"
                             % (output_channel_order,))
        if not callable(on_prediction):
            raise TypeError("on_prediction is a function of two arguments: result and frame")
        source = "webcam:%d" % source if isinstance(source, int) else os.fspath(source)
        self.model = model if hasattr(model, "embed_image") else Clip(model)
        self.source, self.dropped = source, 0
        self._order, self._on_prediction = output_channel_order, on_prediction
        self._on_start, self._on_stop = on_start, on_stop
        self._decoder = _Y4m.open(source)
        is_live = False
        if self._decoder is None:
            arguments, is_live = _ffmpeg_input(source)
            self._decoder = _Decoder(source, arguments, timeout)
        self._live = is_live if live is None else bool(live)
        self._change = threading.Condition()
        self._newest, self._ended, self._stop, self._error = None, False, False, None
        self._reader = threading.Thread(target=self._read, name="clipc frames", daemon=True)
        self._thread = None
        if use_main_thread:
            self._run()
            self.join()
        else:
            self._thread = threading.Thread(target=self._run_and_tell, name="clipc stream")
            self._thread.start()

    def start(self):
        """Nothing: a Stream begins when it is made.  For programs that call it."""
        return self

    def join(self):
        """Wait until the last frame is done; raises what ended the stream before its time."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def terminate(self):
        """End after the frame that is under way."""
        with self._change:
            self._stop = True
            self._change.notify_all()

    def _read(self):
        try:
            for number, frame in enumerate(self._decoder.frames(), 1):
                with self._change:
                    while self._newest is not None and not self._live and not self._stop:
                        self._change.wait()
                    if self._stop:
                        return
                    self.dropped += self._newest is not None
                    self._newest = (number,) + frame
                    self._change.notify_all()
        except Exception as error:  # handed to the thread that waits for frames
            with self._change:
                if not self._stop:
                    self._error = error
        finally:
            with self._change:
                self._ended = True
                self._change.notify_all()

    def _next(self):
        with self._change:
            while self._newest is None and not self._ended and not self._stop:
                self._change.wait()
            frame, self._newest = self._newest, None
            self._change.notify_all()
            return None if self._stop else frame

    def _run_and_tell(self):
        self._run()
        if self._error is not None:  # join() raises it too, but perhaps nobody calls that
            threading.excepthook(threading.ExceptHookArgs(
                (type(self._error), self._error, self._error.__traceback__, self._thread)))

    def _run(self):
        try:
            self._reader.start()
            if self._on_start:
                self._on_start()
            for number, width, height, pixels in iter(self._next, None):
                self._predict(number, width, height, pixels)
        except Exception as error:
            self._error = error
        finally:
            self.terminate()
            self._decoder.stop()
            self._reader.join()
            self._decoder.close()
            if self._on_stop:
                self._on_stop()

    def _predict(self, number, width, height, pixels):
        shape = (height, width, 3)
        vectors = self.model.embed_image(memoryview(pixels).cast("B", shape))
        if self._order == "BGR":
            if numpy is not None:
                swapped = numpy.frombuffer(pixels, numpy.uint8).reshape(shape)[:, :, ::-1]
                frame = numpy.ascontiguousarray(swapped)
            else:
                pixels[0::3], pixels[2::3] = pixels[2::3], pixels[0::3]
                frame = memoryview(pixels).cast("B", shape)
        elif numpy is not None:
            frame = numpy.frombuffer(pixels, numpy.uint8).reshape(shape)
        else:
            frame = memoryview(pixels).cast("B", shape)
        self._on_prediction({"frame_id": number, "embeddings": [v.tolist() for v in vectors]}, frame)
