/* hub.h - a hub of models, as HuggingFace's speaks: ENDPOINT/api/models/OWNER/NAME lists the files
 * of a repository, ENDPOINT/OWNER/NAME/resolve/REVISION/FILE is one. */
#ifndef CLIPC_PULL_HUB_H
#define CLIPC_PULL_HUB_H

#include <stdbool.h>

#include "http.h"

struct hub_file {
    char *name;      /* plain_name */
    uint64_t size;   /* HTTP_UNKNOWN: not said */
    char sha256[65]; /* small letters; "": not said, as of small files that git itself keeps */
};

struct hub_list {
    struct hub_file *files; /* [n], of the repository's top folder, sorted by name */
    size_t n;
    char revision[201]; /* the commit that they are of, else the revision that was asked for */
};

/* May a file that a hub names be one in a folder of ours?  Letters, digits, '.', '_' and '-', no
 * '.' or '-' at the beginning. */
bool hub_is_plain_name(const char *name);

/* 0, or a negative clipc_status.  hub_list_free in any case. */
int hub_list(struct http *http, const char *endpoint, const char *repository, const char *revision,
             struct hub_list *list);
/* The same of the JSON itself: [n]. */
int hub_list_parse(const char *what, const char *json, size_t n, struct hub_list *list);
void hub_list_free(struct hub_list *list);

/* NULL: no such file. */
const struct hub_file *hub_find(const struct hub_list *list, const char *name);

/* free() it; NULL: no memory. */
char *hub_url(const char *endpoint, const char *repository, const char *revision, const char *file);

/* `text` is a SHA-256 in hexadecimal, maybe in quotes: copied in small letters; else "". */
void hub_take_sha256(const char *text, char sha256[65]);

#endif
