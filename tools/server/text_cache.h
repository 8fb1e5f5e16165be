/* text_cache.h - vectors of texts seen before, least recently used out first.  Safe for threads. */
#ifndef CLIPC_TEXT_CACHE_H
#define CLIPC_TEXT_CACHE_H

#include <stdbool.h>
#include <stddef.h>

struct text_cache;

/* Room for `entries` texts of vectors [dim]; 0 entries: remembers nothing.  NULL: out of memory. */
struct text_cache *text_cache_new(size_t entries, size_t dim);
void text_cache_free(struct text_cache *cache);

/* `rules`: which clean-up the text had; part of the key. */
bool text_cache_find(struct text_cache *cache, const char *text, size_t length, int rules,
                     float *vector);
void text_cache_add(struct text_cache *cache, const char *text, size_t length, int rules,
                    const float *vector);
void text_cache_clear(struct text_cache *cache);

#endif
