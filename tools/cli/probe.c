/* probe.c - the signatures of what people take for weights. */
#include "probe.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "../../src/base/base.h"
#include "../../weights/format.h"

#define UNPACK "unpack it and name what is in it"
#define DOWNLOAD                                                                                   \
    "the download failed: fetch the file again (a gated model wants `hf auth login` first)"

static const struct signature {
    size_t offset, n;
    const char *bytes, *what, *advice;
} signatures[] = {
    {0, 4, "GGUF", "a GGUF file", "made for llama.cpp; convert the HuggingFace folder it came of"},
    {0, 4, "ggml", "a GGML file", "made for llama.cpp; convert the HuggingFace folder it came of"},
    {0, 4, "lmgg", "a GGML file", "made for llama.cpp; convert the HuggingFace folder it came of"},
    {0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file (TensorFlow or Keras)",
     "not read; load it with transformers (from_tf=True) and save it as safetensors"},
    {0, 6, "\x93NUMPY", "a NumPy array", "a checkpoint has many tensors; name the safetensors"},
    {257, 5, "ustar", "a tar archive", UNPACK},
    {0, 2, "\x1f\x8b", "a gzip file", UNPACK},
    {0, 4, "\x28\xb5\x2f\xfd", "a zstd file", UNPACK},
    {0, 6, "\xfd\x37zXZ", "an xz file", UNPACK},
    {0, 3, "BZh", "a bzip2 file", UNPACK},
    {0, 6, "7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK},
    {0, 23, "version https://git-lfs", "a git-lfs pointer, not the file itself",
     "run `git lfs install` and `git lfs pull` in its folder"},
};

static bool stands(const unsigned char *data, size_t n, size_t at, const char *bytes, size_t length)
{
    return at + length <= n && memcmp(data + at, bytes, length) == 0;
}

/* A page or an error document in place of a file: <!DOCTYPE html>, <html>, <?xml ...>. */
static const char *markup(const unsigned char *data, size_t n)
{
    size_t i = stands(data, n, 0, "\xef\xbb\xbf", 3) ? 3 : 0;

    while (i < n && strchr(" \t\r\n", data[i]) != NULL && data[i] != 0) {
        i++;
    }
    const char *p = (const char *)data + i;
    if (n - i >= 5 &&
        (strncasecmp(p, "<html", 5) == 0 || (n - i >= 9 && strncasecmp(p, "<!doctype", 9) == 0))) {
        return "an HTML page";
    }
    return n - i >= 5 && strncasecmp(p, "<?xml", 5) == 0 ? "an XML document" : NULL;
}

/* Printable ASCII and white space. */
static bool is_text(const unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (data[i] >= 0x7f || (data[i] < 0x20 && (data[i] < '\t' || data[i] > '\r'))) {
            return false;
        }
    }
    return true;
}

/* Signatures that take more than a comparison; NULL what: none of them. */
static struct probe probe_rest(const unsigned char *data, size_t n)
{
    struct probe p = {PROBE_OTHER, NULL, NULL};
    size_t key = n > 0 && data[0] == 0xde ? 3 : 1; /* where MessagePack's first name begins */

    if (n == 0) {
        return (struct probe){PROBE_OTHER, "empty", "fetch the file again"};
    }
    if (stands(data, n, 0, "PK\3\4", 4) || stands(data, n, 0, "PK\5\6", 4) ||
        stands(data, n, 0, "PK\7\10", 4)) {
        return (struct probe){PROBE_TORCH, "a ZIP file, probably a PyTorch checkpoint", ""};
    }
    if (n >= 2 && data[0] == 0x80 && data[1] >= 1 && data[1] <= 5) {
        return (struct probe){PROBE_TORCH, "a pickle, probably an old PyTorch checkpoint", ""};
    }
    if (n >= 3 && data[0] == 8 && data[1] < 32 && (data[2] == 0x12 || data[2] == 0x3a)) {
        return (struct probe){PROBE_OTHER, "an ONNX model",
                              "convert the HuggingFace folder that it was exported from"};
    }
    if (n > key && ((data[0] > 0x80 && data[0] < 0x90) || data[0] == 0xde) &&
        (data[key] & 0xe0) == 0xa0) {
        return (struct probe){PROBE_OTHER, "a MessagePack file (Flax)",
                              "not read; load it with transformers (from_flax=True) and save it as "
                              "safetensors"};
    }
    if ((p.what = markup(data, n)) != NULL) {
        p.advice = DOWNLOAD;
    } else if (is_text(data, n)) {
        p.what = data[0] == '{' || data[0] == '[' ? "a text of JSON" : "a text";
        p.advice = "name the folder or the file with the tensors";
    }
    return p;
}

struct probe probe_bytes(const unsigned char *data, size_t n)
{
    n = n < PROBE_BYTES ? n : PROBE_BYTES;
    if (stands(data, n, 0, FORMAT_MAGIC, 8)) {
        return (struct probe){PROBE_CLIPC, "a weight file of clipc", "it is converted already"};
    }
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *s = &signatures[i];
        if (stands(data, n, s->offset, s->bytes, s->n)) {
            return (struct probe){PROBE_OTHER, s->what, s->advice};
        }
    }
    /* A length, the high bytes of which are 0, and the JSON that it is of. */
    if (n > 8 && data[8] == '{' && data[7] == 0) {
        return (struct probe){PROBE_SAFETENSORS, "a safetensors file", ""};
    }
    return probe_rest(data, n);
}

int probe_file(const char *path, struct probe *probe)
{
    struct base_map map;
    int status = base_map_file(path, &map);

    if (status == CLIPC_OK) {
        *probe = probe_bytes(map.data, map.size);
        base_unmap(&map);
    }
    return status;
}

int probe_refuse(const char *path, const struct probe *p, const char *wanted)
{
    return p->what != NULL && p->kind == PROBE_OTHER
               ? base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: %s: %s", path, p->what, p->advice)
               : base_fail(CLIPC_ERROR_FORMAT, "%s: not %s, or damaged", path, wanted);
}
