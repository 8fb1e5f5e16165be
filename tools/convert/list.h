/* list.h - what a checkpoint holds, for people: `clipc info CHECKPOINT`. */
#ifndef CLIPC_LIST_H
#define CLIPC_LIST_H

#include <stdbool.h>

/* Every tensor of the checkpoint at `path` on stdout: name, type, shape, bytes.  0, or a negative
 * clipc_status with nothing printed. */
int list_print(const char *path, bool json);

/* The tensor `name` as NumPy's array at `out`; BF16 as the equal float32.  0, or a negative
 * clipc_status and no file. */
int list_dump(const char *path, const char *name, const char *out);

#endif
