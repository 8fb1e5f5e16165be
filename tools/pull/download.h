/* download.h - one file of a hub into a folder: FILE.part while it comes, FILE when all of it is
 * there with the size and the SHA-256 that the hub gives.  What an interrupted download left is
 * gone on with. */
#ifndef CLIPC_PULL_DOWNLOAD_H
#define CLIPC_PULL_DOWNLOAD_H

#include "hub.h"

/* The most that is taken: all files of tensors together, and each of the others. */
#define DOWNLOAD_MAX_WEIGHTS ((uint64_t)64 << 30)
#define DOWNLOAD_MAX_OTHER   ((uint64_t)64 << 20)

/* Is it there, whole, and known to be what the hub means? */
bool download_is_done(const char *folder, const struct hub_file *file);
/* Bytes of it that are there already, in either form. */
uint64_t download_begun(const char *folder, const struct hub_file *file);

/* 0, or a negative clipc_status; what has come stays.  `most`: of bytes; a larger one is refused,
 * and when `most` is that of weights also one whose size is unknown. */
int download_file(struct http *http, const char *url, const char *folder,
                  const struct hub_file *file, uint64_t most);

/* Remove what download_file may have left of it. */
void download_remove(const char *folder, const char *name);

#endif
