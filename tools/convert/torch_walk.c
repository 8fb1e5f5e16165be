/* torch_walk.c - the tree that a pickle made, seen through: what names lead to tensors, and whether
 * these lie within their storages.  A hostile tree may hold itself, or one part a thousand times:
 * so depth, steps and names have bounds. */
#include "torch_walk.h"

#include <stdio.h>
#include <string.h>

#include "../../src/base/utf8.h"

enum { MAX_DEPTH = 64, MAX_NAME = 4096 };
#define MAX_STEPS ((size_t)4 << 20)
#define MAX_NAMES ((size_t)64 << 20)  /* bytes of all names together */
#define MAX_BYTES ((uint64_t)1 << 42) /* of a tensor: strides of 0 make any out of one number */

struct frame {
    const struct pickle_value *value;
    size_t next;       /* item */
    size_t name_bytes; /* of its name, in `walk.name` */
};

struct walk {
    struct container *c;
    const struct torch_storages *storages;
    struct frame frames[MAX_DEPTH];
    size_t depth, steps, room, names;
    char name[MAX_NAME];
};

static int bad(const struct walk *w, const char *name, const char *why)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: tensor '%.100s': %s", w->c->path, name, why);
}

/* ---- Storages -------------------------------------------------------------------------------- */

bool torch_fits(const struct pickle_storage *s, uint64_t bytes)
{
    return bytes % (s->bits / 8) == 0 && bytes / (s->bits / 8) == (uint64_t)s->whole_count;
}

static const unsigned char *bad_storage(const char *path, const struct pickle_storage *s,
                                        const char *why)
{
    base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: storage '%.*s' of %lld elements %s", path,
              (int)(s->key_bytes < 40 ? s->key_bytes : 40), s->key, (long long)s->whole_count, why);
    return NULL;
}

const unsigned char *torch_wrong_size(const char *path, const struct pickle_storage *s)
{
    return bad_storage(path, s, "is not of that size");
}

const unsigned char *torch_missing(const char *path, const struct pickle_storage *s)
{
    return bad_storage(path, s, "is missing");
}

/* ---- A tensor -------------------------------------------------------------------------------- */

/* Sizes, strides and offset are no negative numbers, all elements lie within the storage, and all
 * their bytes are fewer than any disk has. */
static int take_place(const struct walk *w, const struct pickle_tensor *from, struct tensor *t)
{
    const struct pickle_storage *s = from->storage;
    uint64_t last = 0, size = from->bits / 8, there;

    if (from->offset < 0) {
        return bad(w, t->name, "its offset is negative");
    }
    t->n_dims = from->n_dims;
    t->bytes = size;
    for (size_t i = 0; i < t->n_dims; i++) {
        if (from->shape[i] < 0 || from->stride[i] < 0) {
            return bad(w, t->name, "its size or its stride is negative");
        }
        t->shape[i] = (uint64_t)from->shape[i];
        t->stride[i] = (uint64_t)from->stride[i];
        if (t->shape[i] != 0 && t->bytes > MAX_BYTES / t->shape[i]) {
            return bad(w, t->name, "its size overflows");
        }
        t->bytes *= t->shape[i];
    }
    if (t->bytes == 0) {
        tensor_set_strides(t);
        return CLIPC_OK;
    }
    there = (uint64_t)s->count; /* elements of the storage's own type; of one byte for any other */
    there = s->bits == from->bits ? there : there * (s->bits / 8) / size;
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->shape[i] > 1 && t->stride[i] > there / (t->shape[i] - 1)) {
            return bad(w, t->name, "it is larger than its storage");
        }
        last += (t->shape[i] - 1) * t->stride[i];
        if (last >= there) {
            return bad(w, t->name, "it is larger than its storage");
        }
    }
    return (uint64_t)from->offset < there - last ? CLIPC_OK
                                                 : bad(w, t->name, "it ends behind its storage");
}

static int add_tensor(struct walk *w, const struct pickle_tensor *from, size_t name_bytes)
{
    const struct pickle_storage *s = from->storage;
    int status = CLIPC_OK;

    w->names += name_bytes + sizeof(struct tensor);
    if (w->names > MAX_NAMES) {
        return base_fail(CLIPC_ERROR_LIMIT, "%s: more tensors than any model has", w->c->path);
    }
    if ((status = container_add(w->c, &w->room, w->name, name_bytes)) != CLIPC_OK) {
        return status;
    }
    struct tensor *t = &w->c->tensors[w->c->n - 1];
    snprintf(t->dtype, sizeof t->dtype, "%s", from->dtype);
    t->bits = from->bits;
    const unsigned char *data = w->storages->find(w->storages->arg, s);
    if (data == NULL) {
        return CLIPC_ERROR_FORMAT;
    }
    status = take_place(w, from, t);
    t->data = data;
    if (status == CLIPC_OK && t->bytes > 0) {
        t->data += (uint64_t)s->first * (s->bits / 8) + (uint64_t)from->offset * (from->bits / 8);
    }
    return status;
}

/* ---- The tree -------------------------------------------------------------------------------- */

static int enter(struct walk *w, const struct pickle_value *v, size_t name_bytes)
{
    if (v->kind == PICKLE_TENSOR) {
        return add_tensor(w, v->u.tensor, name_bytes);
    }
    if (v->kind != PICKLE_LIST && v->kind != PICKLE_DICT && v->kind != PICKLE_OBJECT) {
        return CLIPC_OK;
    }
    if (w->depth == MAX_DEPTH) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: its pickle nests deeper than %d levels",
                         w->c->path, MAX_DEPTH);
    }
    w->frames[w->depth++] = (struct frame){v, 0, name_bytes};
    return CLIPC_OK;
}

/* w->name, so far [at], with one part more; 0: it cannot be one. */
static size_t name_part(struct walk *w, size_t at, char between, const char *part, size_t n)
{
    size_t begin = at + (at > 0);

    if (n >= MAX_NAME - begin) {
        return 0;
    }
    if (at > 0) {
        w->name[at] = between;
    }
    memcpy(w->name + begin, part, n);
    for (size_t i = 0; i < n;) {
        uint32_t c;
        int valid;
        i += utf8_read(part + i, n - i, &c, &valid);
        if (!valid || c == 0) {
            return 0;
        }
    }
    return begin + n;
}

/* The value of `f`'s next item, under its name. */
static int go_on(struct walk *w, struct frame *f, char between)
{
    bool dict = f->value->kind == PICKLE_DICT;
    const struct pickle_value *const *items =
        (const struct pickle_value *const *)f->value->u.list.items + f->next;
    const struct pickle_value *value = items[dict];
    char number[24];
    const char *part = number;
    size_t n = (size_t)snprintf(number, sizeof number, "%zu", f->next);

    f->next += dict ? 2 : 1;
    if (value->kind < PICKLE_LIST) {
        return CLIPC_OK; /* most of them: nothing below, and so no name to be made */
    }
    if (dict && items[0]->kind == PICKLE_TEXT) {
        part = items[0]->u.text.bytes;
        n = items[0]->u.text.n;
    } else if (dict && items[0]->kind == PICKLE_WHOLE) {
        n = (size_t)snprintf(number, sizeof number, "%lld", (long long)items[0]->u.whole);
    } else if (dict) {
        part = "?";
        n = 1;
    }
    size_t named = name_part(w, f->name_bytes, between, part, n);
    return named > 0 || n == 0
               ? enter(w, value, named)
               : base_fail(
                     CLIPC_ERROR_FORMAT,
                     "%s: damaged: a name in its pickle is not UTF-8, or longer than %d bytes",
                     w->c->path, MAX_NAME);
}

int torch_walk(const struct pickle *p, const struct pickle_value *root,
               const struct torch_storages *storages, struct container *c)
{
    struct walk w = {.c = c, .storages = storages};
    int status = enter(&w, root, 0);
    char between = '/';

    c->quick_gelu = (p->gelu & PICKLE_QUICK_GELU) != 0;
    c->gelu = (p->gelu & PICKLE_GELU) != 0;

    while (status == CLIPC_OK && w.depth > 0) {
        struct frame *f = &w.frames[w.depth - 1];
        if (++w.steps > MAX_STEPS) {
            status = base_fail(CLIPC_ERROR_LIMIT, "%s: damaged: its pickle holds too many values",
                               c->path);
        } else if (f->value->kind == PICKLE_OBJECT) { /* its state stands for it */
            const struct pickle_value *state = f->value->u.state;
            between = '.';
            w.depth--;
            status = state != NULL ? enter(&w, state, f->name_bytes) : CLIPC_OK;
        } else if (f->next < f->value->u.list.n) {
            status = go_on(&w, f, between);
        } else {
            w.depth--;
        }
    }
    return status;
}
