/* pulled.h - models by name: those that `clipc pull` knows by a short one, and where the weight
 * files lie that it made, CACHE/OWNER/NAME.clipc.  CACHE is $XDG_CACHE_HOME/clipc, else
 * ~/.cache/clipc.  No network here. */
#ifndef CLIPC_PULLED_H
#define CLIPC_PULLED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct pulled_known {
    const char *name, *repository; /* "vit-b-32", "openai/clip-vit-base-patch32" */
};
extern const struct pulled_known pulled_known[]; /* a NULL name ends it */

/* A name as people type it: "vit-b-32" (also "ViT-B/32"), "owner/name", each with "@revision". */
struct pulled_name {
    char repository[200]; /* "owner/name" */
    char revision[200];   /* "" when none was said */
};

/* Read `text`; false: it is no name of that kind.  What comes out is safe in a URL and as a path:
 * letters, digits, '.', '_' and '-', no part of it begins with a '.' or a '-'; a revision's '/' is
 * no part of that. */
bool pulled_parse(const char *text, struct pulled_name *name);
bool pulled_is_revision(const char *text);

/* The name of the table that is nearest to `text`; NULL: none is near. */
const char *pulled_nearest(const char *text);

/* CACHE; false when neither variable says where. */
bool pulled_cache(char path[PATH_MAX]);
/* CACHE/OWNER/NAME, with "@REVISION" where there is one, and `ending` (".clipc") behind it; false:
 * no cache, or too long. */
bool pulled_path(const struct pulled_name *name, const char *ending, char path[PATH_MAX]);

/* The weight file that `text` names: not when a file of that very name is there, nor when none was
 * pulled. */
bool pulled_find(const char *text, char path[PATH_MAX]);

#endif
