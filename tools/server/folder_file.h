/* folder_file.h - files of one folder, named by clients who would like others. */
#ifndef CLIPC_FOLDER_FILE_H
#define CLIPC_FOLDER_FILE_H

#include <stddef.h>

/* The file `name` of `folder` in memory of base_alloc: a regular file of at most `max_bytes`.  A
 * name is a path from the folder, or a whole one that begins with it.  Nothing above the folder can
 * be named, and no link is followed.  0, or a negative clipc_status; why it failed tells nothing of
 * what lies outside. */
int folder_file_read(const char *folder, const char *name, size_t max_bytes, unsigned char **data,
                     size_t *size);

#endif
