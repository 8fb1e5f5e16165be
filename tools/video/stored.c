/* stored.c - what whoever writes vectors of frames and whoever reads them must agree on. */
#include "stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

static const char ending[] = ".npy", lines[] = ".jsonl";

char *stored_lines(const char *npy)
{
    size_t n = strlen(npy), stem = n > strlen(ending) ? n - strlen(ending) : 0;

    if (stem == 0 || npy[stem - 1] == '/' || strcmp(npy + stem, ending) != 0) {
        base_fail(CLIPC_ERROR_ARGUMENT,
                  "%s: the name must end in .npy; what its rows are stands beside it, in .jsonl",
                  npy);
        return NULL;
    }
    char *name = malloc(stem + sizeof lines);
    if (name == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    memcpy(name, npy, stem);
    memcpy(name + stem, lines, sizeof lines);
    return name;
}

void stored_hash(const clipc_model *model, char to[65])
{
    struct clipc_model_info info = {.size = sizeof info};

    clipc_model_info(model, &info);
    for (size_t i = 0; i < sizeof info.sha256; i++) {
        snprintf(to + 2 * i, 3, "%02x", info.sha256[i]);
    }
}
