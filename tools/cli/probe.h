/* probe.h - what a file is, by its first bytes, whatever it is called. */
#ifndef CLIPC_PROBE_H
#define CLIPC_PROBE_H

#include <stddef.h>

enum probe_kind {
    PROBE_SAFETENSORS,
    PROBE_TORCH, /* a ZIP archive, which PyTorch's are, or a pickle */
    PROBE_CLIPC,
    PROBE_OTHER /* named, but not read */
};

struct probe {
    enum probe_kind kind;
    const char *what;   /* "a GGUF file"; NULL: unknown */
    const char *advice; /* what to do with it */
};

enum { PROBE_BYTES = 512 };

/* data: [n], the first PROBE_BYTES bytes of a file or all of it. */
struct probe probe_bytes(const unsigned char *data, size_t n);

/* The same of a file.  0, or CLIPC_ERROR_IO. */
int probe_file(const char *path, struct probe *probe);

/* The sentence "PATH: a GGUF file: made for llama.cpp; ..."; `wanted`: what `path` should have
 * been, said when nothing is known of it.  Returns a negative clipc_status. */
int probe_refuse(const char *path, const struct probe *probe, const char *wanted);

#endif
