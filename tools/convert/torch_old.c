/* torch_old.c - what torch.save wrote before PyTorch 1.6: pickles of a magic number, a version, the
 * machine, the object and the list of its storages' keys; then the storages, one by one, each as a
 * 64-bit number of elements and these (torch/serialization.py, _legacy_save). */
#include <stdlib.h>
#include <string.h>

#include "torch_walk.h"

/* One that the object named, and where the file has it. */
struct old_storage {
    const struct pickle_storage *named;
    const unsigned char *data; /* NULL: nowhere yet */
};

struct old_file {
    const char *path;
    const unsigned char *data;
    size_t size, at;
    struct pickle pickle;
    struct old_storage *storages; /* [n], sorted by key, each once */
    size_t n;
};

static int bad(const struct old_file *f, const char *why)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: %s", f->path, why);
}

static int run_next(struct old_file *f, struct pickle_value **root)
{
    size_t used = 0;
    int status = pickle_run(&f->pickle, f->data + f->at, f->size - f->at, &used, root);

    f->at += used;
    return status;
}

/* The number 0x1950a86a20f9469cfc6c, then 1001, then what nobody needs. */
static int run_head(struct old_file *f)
{
    static const unsigned char magic[] = {0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                          0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
    struct pickle_value *version = NULL, *system;
    /* Protocols 4 and 5 put an opcode and 8 bytes before it. */
    size_t begin = f->size > 2 && f->data[2] == 0x95 ? 11 : 2;

    if (f->size < begin + sizeof magic || memcmp(f->data + begin, magic, sizeof magic) != 0) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: a pickle, but none of PyTorch: save the model with torch.save or as "
                         "safetensors",
                         f->path);
    }
    f->at = begin + sizeof magic;
    int status = run_next(f, &version);
    if (status == CLIPC_OK && (version->kind != PICKLE_WHOLE || version->u.whole != 1001)) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: not version 1001 of PyTorch's old format",
                         f->path);
    }
    return status == CLIPC_OK ? run_next(f, &system) : status;
}

static int compare(const char *a, size_t n, const char *b, size_t m)
{
    return n != m ? (n < m ? -1 : 1) : memcmp(a, b, n);
}

static int by_key(const void *a, const void *b)
{
    const struct pickle_storage *x = ((const struct old_storage *)a)->named;
    const struct pickle_storage *y = ((const struct old_storage *)b)->named;

    return compare(x->key, x->key_bytes, y->key, y->key_bytes);
}

static struct old_storage *find_key(const struct old_file *f, const char *key, size_t n)
{
    size_t low = 0, high = f->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct pickle_storage *s = f->storages[middle].named;
        int order = compare(key, n, s->key, s->key_bytes);
        if (order == 0) {
            return &f->storages[middle];
        }
        low = order > 0 ? middle + 1 : low;
        high = order < 0 ? middle : high;
    }
    return NULL;
}

/* Every storage that the object named, once; named twice, it must be the same. */
static int list_storages(struct old_file *f)
{
    size_t n = 0, kept = 0;

    for (const struct pickle_storage *s = f->pickle.storages; s != NULL; s = s->next) {
        n++;
    }
    f->storages = calloc(n + 1, sizeof *f->storages);
    if (f->storages == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", f->path);
    }
    n = 0;
    for (const struct pickle_storage *s = f->pickle.storages; s != NULL; s = s->next) {
        f->storages[n++].named = s;
    }
    qsort(f->storages, n, sizeof *f->storages, by_key);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && by_key(&f->storages[kept - 1], &f->storages[i]) == 0) {
            if (f->storages[kept - 1].named->bits != f->storages[i].named->bits) {
                return bad(f, "one storage is said to be of two types");
            }
            continue;
        }
        f->storages[kept++] = f->storages[i];
    }
    f->n = kept;
    return CLIPC_OK;
}

/* The list of keys, and behind it the storages. */
static int place_storages(struct old_file *f)
{
    struct pickle_value *keys = NULL;
    int status = run_next(f, &keys);

    if (status == CLIPC_OK && keys->kind != PICKLE_LIST) {
        return bad(f, "no list of storages");
    }
    for (size_t i = 0; status == CLIPC_OK && i < keys->u.list.n; i++) {
        const struct pickle_value *key = keys->u.list.items[i];
        struct old_storage *s =
            key->kind == PICKLE_TEXT ? find_key(f, key->u.text.bytes, key->u.text.n) : NULL;
        if (s == NULL || s->data != NULL) {
            return bad(f, "its list of storages names one that no tensor has, or one twice");
        }
        if (f->size - f->at < 8) {
            return base_fail(CLIPC_ERROR_FORMAT, "%s: truncated: storages are missing", f->path);
        }
        uint64_t count = base_u64(f->data + f->at), left = f->size - f->at - 8;
        unsigned bytes = s->named->bits / 8;
        if (count > left / bytes) {
            return base_fail(CLIPC_ERROR_FORMAT,
                             "%s: truncated: a storage of %llu elements ends "
                             "behind the file",
                             f->path, (unsigned long long)count);
        }
        s->data = f->data + f->at + 8;
        f->at += 8 + (size_t)count * bytes;
    }
    return status;
}

static const unsigned char *find_storage(void *arg, const struct pickle_storage *s)
{
    const struct old_file *f = arg;
    const struct old_storage *found = find_key(f, s->key, s->key_bytes);

    if (found == NULL || found->data == NULL) {
        return torch_missing(f->path, s);
    }
    return torch_fits(s, base_u64(found->data - 8) * (s->bits / 8)) ? found->data
                                                                    : torch_wrong_size(f->path, s);
}

int torch_read_old(const unsigned char *data, size_t size, struct container *c)
{
    struct old_file f = {.path = c->path, .data = data, .size = size, .pickle.what = c->path};
    struct torch_storages storages = {find_storage, &f};
    struct pickle_value *root;
    int status;

    if ((status = run_head(&f)) == CLIPC_OK && (status = run_next(&f, &root)) == CLIPC_OK &&
        (status = list_storages(&f)) == CLIPC_OK && (status = place_storages(&f)) == CLIPC_OK) {
        status = torch_walk(&f.pickle, root, &storages, c);
    }
    pickle_free(&f.pickle);
    free(f.storages);
    return status;
}
