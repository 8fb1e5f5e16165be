/* pickle_values.c - what a pickle makes: values in blocks, so that all of them go at once. */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "pickle.h"

#define MAX_VALUES ((size_t)2 << 20)
enum { BLOCK = 512 };

struct pickle_block {
    struct pickle_block *next;
    size_t n;
    struct pickle_value values[BLOCK];
};

static int no_memory(const struct pickle *p)
{
    return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", p->what);
}

struct pickle_value *pickle_new(struct pickle *p, enum pickle_kind kind)
{
    struct pickle_block *b = p->blocks;

    if (p->n_values >= MAX_VALUES) {
        base_fail(CLIPC_ERROR_LIMIT, "%s: its pickle makes more than %zu values", p->what,
                  MAX_VALUES);
        return NULL;
    }
    if (b == NULL || b->n == BLOCK) {
        b = malloc(sizeof *b);
        if (b == NULL) {
            no_memory(p);
            return NULL;
        }
        b->next = p->blocks;
        b->n = 0;
        p->blocks = b;
    }
    struct pickle_value *v = &b->values[b->n++];
    memset(v, 0, sizeof *v);
    v->kind = kind;
    p->n_values++;
    return v;
}

int pickle_push(struct pickle *p, struct pickle_value *list, struct pickle_value *item)
{
    if (list->u.list.n == list->u.list.room) {
        size_t room = list->u.list.room < 4 ? 4 : 2 * list->u.list.room;
        struct pickle_value **items = realloc(list->u.list.items, room * sizeof *items);
        if (items == NULL) {
            return no_memory(p);
        }
        list->u.list.items = items;
        list->u.list.room = room;
    }
    list->u.list.items[list->u.list.n++] = item;
    return CLIPC_OK;
}

static void free_value(struct pickle_value *v)
{
    if (v->kind == PICKLE_LIST || v->kind == PICKLE_DICT) {
        free(v->u.list.items);
    } else if (v->kind == PICKLE_STORAGE) {
        free(v->u.storage);
    } else if (v->kind == PICKLE_TENSOR) {
        free(v->u.tensor);
    }
}

void pickle_free(struct pickle *p)
{
    while (p->blocks != NULL) {
        struct pickle_block *b = p->blocks;
        for (size_t i = 0; i < b->n; i++) {
            free_value(&b->values[i]);
        }
        p->blocks = b->next;
        free(b);
    }
    p->n_values = 0;
}
