/* files.h - the files that a conversion reads: so that none is overwritten, and that the weight
 * file can say what it was made of. */
#ifndef CLIPC_FILES_H
#define CLIPC_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct files {
    char **paths; /* [n] */
    size_t n;
};

/* 0, or CLIPC_ERROR_MEMORY. */
int files_add(struct files *files, const char *path);
void files_free(struct files *files);

/* The file of the list that `path` names too, by whatever name or link; NULL: none. */
const char *files_same(const struct files *files, const char *path);

bool files_exists(const char *path);
bool files_is_folder(const char *path);

/* "FOLDER/NAME", or "FOLDER" without its last part ("." and "/" included); free() it.  NULL with
 * base_fail's message when memory is out. */
char *files_join(const char *folder, const char *name);
char *files_parent(const char *path);

/* The folder that `path` is, or lies in, for what lies beside it: *folder, free() it.  0, or a
 * negative clipc_status and NULL: nothing is there. */
int files_home(const char *path, char **folder);

#endif
