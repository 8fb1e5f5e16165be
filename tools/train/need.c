/* need.c - malloc that cannot fail. */
#include "need.h"

#include <stdio.h>
#include <stdlib.h>

void *need_memory(void *p)
{
    if (p == NULL) {
        fprintf(stderr, "clipc-train: out of memory\n");
        exit(1);
    }
    return p;
}
