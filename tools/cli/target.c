/* target.c - does something that people make, and that clipc reads, stand at an output's name? */
#include "target.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../../src/image/image.h"

/* The first bytes of the file at `path`; how many. */
static size_t first_bytes(const char *path, uint8_t *bytes, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, bytes, room) : 0;

    if (fd >= 0) {
        close(fd);
    }
    return n > 0 ? (size_t)n : 0;
}

/* safetensors: the length of a JSON object, and its brace; PyTorch: a zip, which .npz is too. */
static bool is_checkpoint(const uint8_t *bytes, size_t n)
{
    return (n > 8 && base_u64(bytes) < (uint64_t)1 << 32 && bytes[8] == '{') ||
           (n >= 4 && memcmp(bytes, "PK\3\4", 4) == 0);
}

int target_open(struct output *o, const char *path)
{
    uint8_t bytes[IMAGE_PROBE_BYTES];
    size_t n = first_bytes(path, bytes, sizeof bytes);
    const char *what = image_probe(bytes, n, NULL) != IMAGE_NONE ? "a picture"
                       : is_checkpoint(bytes, n)                 ? "a checkpoint"
                                                                 : NULL;

    if (what != NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "%s: is %s and would be replaced: name the file to write, or remove this "
                         "one first",
                         path, what);
    }
    return output_open(o, path);
}
