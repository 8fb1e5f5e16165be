/* keys.h - who may ask: a list of keys from a file, read again on SIGHUP. */
#ifndef CLIPC_KEYS_H
#define CLIPC_KEYS_H

#include <stdbool.h>

struct keys;

/* `path`: a key a line; blank lines and lines that begin with # are left out.  NULL: everybody may
 * ask.  0, or a negative clipc_status with a message. */
int keys_new(const char *path, struct keys **keys);
void keys_free(struct keys *keys);

/* Read the file again; on failure the keys are as they were. */
int keys_reload(struct keys *keys);

bool keys_wanted(const struct keys *keys);
/* Is `key` one of them?  Takes the same time wherever they differ.  NULL is none. */
bool keys_allow(struct keys *keys, const char *key);

#endif
