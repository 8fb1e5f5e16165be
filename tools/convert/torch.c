/* torch.c - what torch.save and torch.jit.save write since PyTorch 1.6: a ZIP archive of
 * TOP/data.pkl, TOP/data/KEY, ... (torch/serialization.py, caffe2/serialize/inline_container.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pickle.h"
#include "torch_walk.h"
#include "zip.h"

/* ---- ZIP ------------------------------------------------------------------------------------- */

struct archive {
    struct zip zip;
    const char *path;
    const char *top; /* [top_bytes]: the folder that all entries lie in, "/" included */
    size_t top_bytes;
};

/* TOP/NAME; NULL: none. */
static const struct zip_entry *entry(const struct archive *a, const char *name, size_t n)
{
    char path[1024];

    if (a->top_bytes + n >= sizeof path || memchr(name, 0, n) != NULL) {
        return NULL;
    }
    memcpy(path, a->top, a->top_bytes);
    memcpy(path + a->top_bytes, name, n);
    path[a->top_bytes + n] = '\0';
    return zip_find(&a->zip, path);
}

static const struct zip_entry *entry_named(const struct archive *a, const char *name)
{
    return entry(a, name, strlen(name));
}

static int check_stored(const struct archive *a, const struct zip_entry *e)
{
    return e->method == ZIP_STORED
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_UNSUPPORTED,
                           "%s: '%.*s' is compressed, which PyTorch never does: unpack the archive "
                           "and pack it again with `zip -0 -r`",
                           a->path, (int)(e->name_bytes < 100 ? e->name_bytes : 100), e->name);
}

static const unsigned char *find_entry(void *arg, const struct pickle_storage *s)
{
    const struct archive *a = arg;
    char name[64] = "data/";

    if (s->key_bytes > sizeof name - 6) {
        return torch_missing(a->path, s);
    }
    memcpy(name + 5, s->key, s->key_bytes);
    const struct zip_entry *e = entry(a, name, 5 + s->key_bytes);
    if (e == NULL) {
        return torch_missing(a->path, s);
    }
    return check_stored(a, e) != CLIPC_OK ? NULL
           : torch_fits(s, e->bytes)      ? e->data
                                          : torch_wrong_size(a->path, s);
}

/* The one folder with a data.pkl. */
static int find_top(struct archive *a)
{
    static const char wanted[] = "/data.pkl";
    size_t length = sizeof wanted - 1;

    for (size_t i = 0; i < a->zip.n && a->top == NULL; i++) {
        const struct zip_entry *e = &a->zip.entries[i];
        if (e->name_bytes > length &&
            memcmp(e->name + e->name_bytes - length, wanted, length) == 0 &&
            memchr(e->name, '/', e->name_bytes - length) == NULL) {
            a->top = e->name;
            a->top_bytes = e->name_bytes - length + 1;
        }
    }
    return a->top != NULL ? CLIPC_OK
                          : base_fail(CLIPC_ERROR_FORMAT,
                                      "%s: a ZIP archive without data.pkl: not a checkpoint of "
                                      "PyTorch; if one is packed in it, unpack it",
                                      a->path);
}

static int read_archive(struct archive *a, struct container *c)
{
    struct torch_storages storages = {find_entry, a};
    struct pickle p = {.what = a->path};
    struct pickle_value *root;
    size_t used;
    int status = find_top(a);

    if (status != CLIPC_OK) {
        return status;
    }
    const struct zip_entry *order = entry_named(a, "byteorder"), *e = entry_named(a, "data.pkl");
    if (order != NULL && order->bytes == 3 && memcmp(order->data, "big", 3) == 0) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: saved on a big-endian machine: load and save it again on another",
                         a->path);
    }
    c->scripted = entry_named(a, "constants.pkl") != NULL;
    if ((status = check_stored(a, e)) == CLIPC_OK &&
        (status = pickle_run(&p, e->data, (size_t)e->bytes, &used, &root)) == CLIPC_OK) {
        status = torch_walk(&p, root, &storages, c);
    }
    pickle_free(&p);
    return status;
}

static int read_zip(const unsigned char *data, size_t size, struct container *c)
{
    struct archive a = {.path = c->path};
    int status = zip_open(c->path, data, size, &a.zip);

    if (status == CLIPC_OK) {
        status = read_archive(&a, c);
        zip_close(&a.zip);
    }
    return status;
}

/* ---- Both ------------------------------------------------------------------------------------ */

int torch_read(const unsigned char *data, size_t size, struct container *c)
{
    return size >= 2 && memcmp(data, "PK", 2) == 0 ? read_zip(data, size, c)
                                                   : torch_read_old(data, size, c);
}
