/* Any bytes as a safetensors file: refused, or every tensor lies within. */
#include <stdint.h>
#include <stdlib.h>

#include "../tools/convert/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct container c;
    volatile unsigned sum = 0;

    if (container_open_memory("fuzz", data, size, &c) == CLIPC_OK) {
        for (size_t i = 0; i < c.n; i++) {
            for (uint64_t j = 0; j < c.tensors[i].bytes; j++) {
                sum += c.tensors[i].data[j];
            }
        }
        container_close(&c);
    }
    return 0;
}
