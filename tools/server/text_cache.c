/* text_cache.c - a hash table whose entries are also a list by last use. */
#include "text_cache.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Longer texts are rare and not worth their room. */
enum { MAX_TEXT = 4096 };

struct entry {
    struct entry *chain;         /* of one bucket */
    struct entry *newer, *older; /* by last use */
    uint64_t hash;
    size_t length;
    int rules;
    float vector[]; /* [dim], then the text [length] */
};

struct text_cache {
    pthread_mutex_t lock;
    size_t entries, n, dim, mask;
    uint64_t seed; /* else a client could choose texts of one bucket */
    struct entry **buckets;
    struct entry *newest, *oldest;
};

struct text_cache *text_cache_new(size_t entries, size_t dim)
{
    struct text_cache *c = calloc(1, sizeof *c);
    size_t buckets = 16;

    while (buckets < entries) {
        buckets *= 2;
    }
    if (c == NULL || (c->buckets = calloc(buckets, sizeof *c->buckets)) == NULL) {
        free(c);
        return NULL;
    }
    c->entries = entries;
    c->dim = dim;
    c->mask = buckets - 1;
    if (getrandom(&c->seed, sizeof c->seed, 0) != (ssize_t)sizeof c->seed) {
        c->seed = (uint64_t)(uintptr_t)c;
    }
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static char *text_of(const struct text_cache *c, struct entry *e)
{
    return (char *)(e->vector + c->dim);
}

/* FNV-1a from a secret start. */
static uint64_t hash_text(const struct text_cache *c, const char *text, size_t length, int rules)
{
    uint64_t h = (c->seed ^ (uint64_t)rules) * 1099511628211u;

    for (size_t i = 0; i < length; i++) {
        h = (h ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return h ^ h >> 29;
}

static void unlink_use(struct text_cache *c, struct entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct text_cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static struct entry *find(struct text_cache *c, uint64_t hash, const char *text, size_t length,
                          int rules)
{
    struct entry *e = c->buckets[hash & c->mask];

    while (e != NULL && (e->hash != hash || e->length != length || e->rules != rules ||
                         memcmp(text_of(c, e), text, length) != 0)) {
        e = e->chain;
    }
    return e;
}

static void drop_oldest(struct text_cache *c)
{
    struct entry *e = c->oldest, **at = &c->buckets[e->hash & c->mask];

    while (*at != e) {
        at = &(*at)->chain;
    }
    *at = e->chain;
    unlink_use(c, e);
    free(e);
    c->n--;
}

bool text_cache_find(struct text_cache *c, const char *text, size_t length, int rules,
                     float *vector)
{
    uint64_t hash = hash_text(c, text, length, rules);

    pthread_mutex_lock(&c->lock);
    struct entry *e = find(c, hash, text, length, rules);
    if (e != NULL) {
        memcpy(vector, e->vector, c->dim * sizeof *vector);
        unlink_use(c, e);
        link_newest(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e != NULL;
}

void text_cache_add(struct text_cache *c, const char *text, size_t length, int rules,
                    const float *vector)
{
    uint64_t hash = hash_text(c, text, length, rules);

    if (c->entries == 0 || length > MAX_TEXT) {
        return;
    }
    struct entry *e = malloc(sizeof *e + c->dim * sizeof *vector + length);
    if (e == NULL) {
        return; /* it is only a cache */
    }
    e->hash = hash;
    e->length = length;
    e->rules = rules;
    memcpy(e->vector, vector, c->dim * sizeof *vector);
    memcpy(text_of(c, e), text, length);
    pthread_mutex_lock(&c->lock);
    if (find(c, hash, text, length, rules) != NULL) { /* another request was faster */
        free(e);
    } else {
        while (c->n >= c->entries) {
            drop_oldest(c);
        }
        e->chain = c->buckets[hash & c->mask];
        c->buckets[hash & c->mask] = e;
        link_newest(c, e);
        c->n++;
    }
    pthread_mutex_unlock(&c->lock);
}

void text_cache_clear(struct text_cache *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->n > 0) {
        drop_oldest(c);
    }
    pthread_mutex_unlock(&c->lock);
}

void text_cache_free(struct text_cache *c)
{
    if (c != NULL) {
        text_cache_clear(c);
        pthread_mutex_destroy(&c->lock);
        free(c->buckets);
        free(c);
    }
}
