/* Any bytes as the pickle of an archive whose storages are all there: the machine ends, and no tensor
 * leaves its storage.  Without a ZIP around it, every change of a byte reaches the machine. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../tools/convert/torch_walk.h"

enum { STORAGE = 4096, MOST = 4096 };

/* Every key has 4096 bytes, or as many as its elements take, if these are fewer. */
static const unsigned char *find(void *arg, const struct pickle_storage *s)
{
    unsigned char *storage = arg;
    uint64_t most = STORAGE / (s->bits / 8), count = (uint64_t)s->whole_count;

    return count > most ? NULL : storage + STORAGE - count * (s->bits / 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pickle p = {.what = "fuzz"};
    struct container c = {0};
    struct torch_storages storages = {find, malloc(STORAGE)};
    struct pickle_value *root;
    unsigned char bytes[MOST * 8];
    size_t used;

    c.path = strdup("fuzz");
    memset(storages.arg, 0, STORAGE);
    if (pickle_run(&p, data, size, &used, &root) == CLIPC_OK &&
        torch_walk(&p, root, &storages, &c) == CLIPC_OK) {
        for (size_t i = 0; i < c.n; i++) {
            uint64_t count = tensor_count(&c.tensors[i]);
            size_t n = count < MOST ? (size_t)count : MOST;
            tensor_copy(&c.tensors[i], 0, n, bytes);
            tensor_copy(&c.tensors[i], count - n, n, bytes);
        }
    }
    pickle_free(&p);
    container_close(&c);
    free(storages.arg);
    return 0;
}
