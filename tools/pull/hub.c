/* hub.c - the list of a repository's files.  A hostile one may name what it likes: only plain names
 * are kept, so that none leads out of a folder. */
#include "hub.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../convert/json_read.h"

enum { MAX_LIST_BYTES = 16 << 20, MAX_NAME = 200 };

/* ---- Addresses ------------------------------------------------------------------------------- */

bool hub_is_plain_name(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c > 127 || (!isalnum(c) && strchr("._-", c) == NULL)) {
            return false;
        }
    }
    return n > 0 && n <= MAX_NAME && name[0] != '.' && name[0] != '-';
}

/* free() it.  Owner, name and file are plain; of a revision only '/' is not ("refs/pr/1"). */
static char *address(const char *endpoint, const char *before, const char *repository,
                     const char *between, const char *revision, const char *after)
{
    size_t room = strlen(endpoint) + strlen(before) + strlen(repository) + strlen(between) +
                  3 * strlen(revision) + strlen(after) + 1;
    char *url = malloc(room);

    if (url == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "pull: out of memory");
        return NULL;
    }
    int n = snprintf(url, room, "%s%s%s%s", endpoint, before, repository, between);
    for (const char *p = revision; *p != '\0'; p++) {
        n += snprintf(url + n, room - (size_t)n, *p == '/' ? "%%2F" : "%c", *p);
    }
    snprintf(url + n, room - (size_t)n, "%s", after);
    return url;
}

char *hub_url(const char *endpoint, const char *repository, const char *revision, const char *file)
{
    char after[MAX_NAME + 2];

    snprintf(after, sizeof after, "/%s", file);
    return address(endpoint, "/", repository, "/resolve/", revision, after);
}

void hub_take_sha256(const char *text, char sha256[65])
{
    text += text[0] == '"';
    for (size_t i = 0; i < 64; i++) {
        if (!isxdigit((unsigned char)text[i])) {
            sha256[0] = '\0';
            return;
        }
        sha256[i] = (char)tolower((unsigned char)text[i]);
    }
    sha256[text[64] == '"' || text[64] == '\0' ? 64 : 0] = '\0';
}

/* ---- The list -------------------------------------------------------------------------------- */

static uint64_t size_of(const json_t *file)
{
    const json_t *size = json_object_get(json_object_get(file, "lfs"), "size");

    size = size != NULL ? size : json_object_get(file, "size");
    return json_is_integer(size) && json_integer_value(size) >= 0
               ? (uint64_t)json_integer_value(size)
               : HTTP_UNKNOWN;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct hub_file *)a)->name, ((const struct hub_file *)b)->name);
}

int hub_list_parse(const char *what, const char *json, size_t n, struct hub_list *list)
{
    json_t *root = json_parse(what, json, n), *file;
    const json_t *files = json_object_get(root, "siblings");
    const char *commit = json_string_value(json_object_get(root, "sha"));
    int status = root == NULL ? CLIPC_ERROR_FORMAT
                 : !json_is_array(files)
                     ? base_fail(CLIPC_ERROR_FORMAT, "%s: no list of files (\"siblings\")", what)
                     : CLIPC_OK;
    size_t i;

    if (commit != NULL && strspn(commit, "0123456789abcdef") == 40 && commit[40] == '\0') {
        strcpy(list->revision, commit);
    }
    if (status == CLIPC_OK &&
        (list->files = calloc(json_array_size(files) + 1, sizeof *list->files)) == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "pull: out of memory");
    }
    json_array_foreach(files, i, file)
    {
        const char *name = json_string_value(json_object_get(file, "rfilename"));
        const char *sha256 =
            json_string_value(json_object_get(json_object_get(file, "lfs"), "sha256"));
        if (status != CLIPC_OK || name == NULL || !hub_is_plain_name(name)) {
            continue;
        }
        struct hub_file *f = &list->files[list->n];
        f->size = size_of(file);
        hub_take_sha256(sha256 != NULL ? sha256 : "", f->sha256);
        if ((f->name = strdup(name)) == NULL) {
            status = base_fail(CLIPC_ERROR_MEMORY, "pull: out of memory");
        }
        list->n += f->name != NULL;
    }
    json_decref(root);
    if (list->n > 0) {
        qsort(list->files, list->n, sizeof *list->files, by_name);
    }
    return status;
}

void hub_list_free(struct hub_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->files[i].name);
    }
    free(list->files);
    memset(list, 0, sizeof *list);
}

const struct hub_file *hub_find(const struct hub_list *list, const char *name)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, list->files[middle].name);
        if (order == 0) {
            return &list->files[middle];
        }
        low = order > 0 ? middle + 1 : low;
        high = order < 0 ? middle : high;
    }
    return NULL;
}

/* ---- Fetching it ----------------------------------------------------------------------------- */

struct text {
    char *bytes; /* [size] */
    size_t size, room;
};

static int prepare(void *arg, struct http_get *get)
{
    (void)get;
    ((struct text *)arg)->size = 0;
    return 0;
}

static int begin(void *arg, const struct http_reply *reply)
{
    (void)arg;
    (void)reply;
    return 0;
}

static int take(void *arg, const char *bytes, size_t n)
{
    struct text *t = arg;

    if (n > MAX_LIST_BYTES - t->size) {
        return base_fail(CLIPC_ERROR_LIMIT, "its list of files is longer than %d MB",
                         MAX_LIST_BYTES >> 20);
    }
    if (t->size + n > t->room) {
        size_t room = 2 * (t->size + n);
        char *more = realloc(t->bytes, room);
        if (more == NULL) {
            return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
        }
        t->bytes = more;
        t->room = room;
    }
    memcpy(t->bytes + t->size, bytes, n);
    t->size += n;
    return 0;
}

int hub_list(struct http *http, const char *endpoint, const char *repository, const char *revision,
             struct hub_list *list)
{
    bool named = revision[0] != '\0';
    struct text text = {NULL, 0, 0};
    char *url = address(endpoint, "/api/models/", repository, named ? "/revision/" : "", revision,
                        "?blobs=true");
    struct http_get get = {
        .url = url, .prepare = prepare, .begin = begin, .take = take, .arg = &text};
    int status = url != NULL ? http_fetch(http, &get) : CLIPC_ERROR_MEMORY;

    memset(list, 0, sizeof *list);
    snprintf(list->revision, sizeof list->revision, "%s", named ? revision : "main");
    if (status == CLIPC_OK) {
        status = hub_list_parse(url, text.bytes != NULL ? text.bytes : "", text.size, list);
    } else if (status == CLIPC_ERROR_ARGUMENT) {
        base_fail(status, "%s%s%s: there is no such model at %s", repository, named ? "@" : "",
                  revision, endpoint);
    } else {
        char why[512];
        snprintf(why, sizeof why, "%s", base_errmsg());
        base_fail(status, "%s: %s", repository, why);
    }
    free(text.bytes);
    free(url);
    return status;
}
