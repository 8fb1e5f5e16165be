/* folder.h - what a folder that people take for a model holds. */
#ifndef CLIPC_FOLDER_H
#define CLIPC_FOLDER_H

/* The sentence why `path` has no weights that can be read: what is there instead, and what to do.
 * Returns CLIPC_ERROR_IO or CLIPC_ERROR_UNSUPPORTED. */
int folder_without_weights(const char *path);

#endif
