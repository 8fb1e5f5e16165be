/* keys.c - API keys, compared by their SHA-256, so that the time tells nothing of a key. */
#include "keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../weights/sha256.h"

enum { MAX_FILE = 1 << 20, DIGEST = 32 };

struct keys {
    char *path;
    pthread_mutex_t lock;
    unsigned char (*digests)[DIGEST]; /* [n] */
    size_t n;
};

static void digest(const char *key, size_t n, unsigned char out[DIGEST])
{
    struct sha256 s;

    sha256_begin(&s);
    sha256_add(&s, key, n);
    sha256_end(&s, out);
}

int keys_reload(struct keys *k)
{
    unsigned char *text;
    size_t size, room = 0, n = 0;
    unsigned char(*digests)[DIGEST] = NULL;

    if (k->path == NULL) {
        return CLIPC_OK;
    }
    int status = base_read_file(k->path, MAX_FILE, &text, &size);
    if (status != CLIPC_OK) {
        return status;
    }
    for (char *line = (char *)text; *line != '\0';) {
        size_t whole = strcspn(line, "\n"), length = whole;
        while (length > 0 &&
               (line[length - 1] == '\r' || line[length - 1] == ' ' || line[length - 1] == '\t')) {
            length--;
        }
        if (length > 0 && line[0] != '#') {
            if (n == room) {
                room = room == 0 ? 8 : 2 * room;
                void *more = realloc(digests, room * sizeof *digests);
                if (more == NULL) {
                    status = base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", k->path);
                    break;
                }
                digests = more;
            }
            digest(line, length, digests[n++]);
        }
        line += whole + (line[whole] == '\n');
    }
    memset(text, 0, size);
    base_free(text);
    if (status == CLIPC_OK && n == 0) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: no key in this file: one a line", k->path);
    }
    if (status != CLIPC_OK) {
        free(digests);
        return status;
    }
    pthread_mutex_lock(&k->lock);
    free(k->digests);
    k->digests = digests;
    k->n = n;
    pthread_mutex_unlock(&k->lock);
    return CLIPC_OK;
}

int keys_new(const char *path, struct keys **keys)
{
    struct keys *k = calloc(1, sizeof *k);

    if (k == NULL || (path != NULL && (k->path = strdup(path)) == NULL)) {
        free(k);
        return base_fail(CLIPC_ERROR_MEMORY, "serve: out of memory");
    }
    pthread_mutex_init(&k->lock, NULL);
    int status = keys_reload(k);
    if (status != CLIPC_OK) {
        keys_free(k);
        return status;
    }
    *keys = k;
    return CLIPC_OK;
}

void keys_free(struct keys *k)
{
    if (k != NULL) {
        pthread_mutex_destroy(&k->lock);
        free(k->path);
        free(k->digests);
        free(k);
    }
}

bool keys_wanted(const struct keys *k)
{
    return k->path != NULL;
}

bool keys_allow(struct keys *k, const char *key)
{
    unsigned char asked[DIGEST];
    bool allowed = false;

    if (key == NULL) {
        return false;
    }
    digest(key, strlen(key), asked);
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < k->n; i++) {
        unsigned char differ = 0;
        for (size_t j = 0; j < DIGEST; j++) {
            differ |= (unsigned char)(asked[j] ^ k->digests[i][j]);
        }
        allowed |= differ == 0;
    }
    pthread_mutex_unlock(&k->lock);
    return allowed;
}
