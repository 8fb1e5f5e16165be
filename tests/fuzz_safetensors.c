/* Any bytes as a safetensors file: refused, or every tensor lies within. */
#include <stdint.h>
#include <stdlib.h>

#include "../tools/convert/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors f;
    volatile unsigned sum = 0;

    if (safetensors_open_memory("fuzz", data, size, &f) == CLIPC_OK) {
        for (size_t i = 0; i < f.n; i++) {
            for (uint64_t j = 0; j < f.tensors[i].bytes; j++) {
                sum += f.tensors[i].data[j];
            }
        }
        safetensors_close(&f);
    }
    return 0;
}
