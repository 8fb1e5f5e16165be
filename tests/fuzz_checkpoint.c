/* Any bytes as a checkpoint, whatever they seem to be: refused, or every tensor's elements are read
 * where they are said to lie. */
#include <stdint.h>
#include <stdlib.h>

#include "../tools/convert/container.h"

enum { MOST = 4096 }; /* elements of each tensor: strides of 0 make any number of one */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char bytes[MOST * 8];
    struct container c;

    if (container_open_memory("fuzz", data, size, &c) != CLIPC_OK) {
        return 0;
    }
    for (size_t i = 0; i < c.n; i++) {
        const struct tensor *t = &c.tensors[i];
        uint64_t count = tensor_count(t);
        size_t n = count < MOST ? (size_t)count : MOST;
        if (t->bits % 8 == 0) { /* the first, and the last */
            tensor_copy(t, 0, n, bytes);
            tensor_copy(t, count - n, n, bytes);
        }
    }
    container_close(&c);
    return 0;
}
