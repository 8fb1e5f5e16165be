/* guard.c - which files were read, and which are to be replaced, by device and inode. */
#include "guard.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base.h"

#define MOST_TARGETS 16 /* outputs open at once */

struct identity {
    dev_t device;
    ino_t inode;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool begun;
static struct identity *inputs; /* [n_inputs, of room] */
static size_t n_inputs, room;
static struct {
    bool used, exists, is_input;
    struct identity file;
} targets[MOST_TARGETS];

static bool same(const struct identity *a, const struct stat *b)
{
    return a->device == b->st_dev && a->inode == b->st_ino;
}

static bool is_target(int i, const struct stat *st)
{
    return targets[i].used && targets[i].exists && same(&targets[i].file, st);
}

static int refuse(const char *path)
{
    return base_fail(CLIPC_ERROR_ARGUMENT,
                     "%s: is read and would be replaced: input and output are the same file", path);
}

void guard_begin(void)
{
    begun = true;
}

static int remember(const char *path, const struct stat *st)
{
    if (n_inputs == room) {
        size_t larger = room == 0 ? 64 : 2 * room;
        struct identity *more = realloc(inputs, larger * sizeof *more);
        if (more == NULL) {
            return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
        }
        inputs = more;
        room = larger;
    }
    inputs[n_inputs++] = (struct identity){st->st_dev, st->st_ino};
    return CLIPC_OK;
}

int guard_input(const char *path, const struct stat *st)
{
    bool open = false, hit = false;
    int status = CLIPC_OK;

    if (!begun) {
        return CLIPC_OK;
    }
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < MOST_TARGETS; i++) {
        open |= targets[i].used;
        if (is_target(i, st)) {
            targets[i].is_input = hit = true;
        }
    }
    if (!open) {
        status = remember(path, st);
    }
    pthread_mutex_unlock(&mutex);
    return hit ? refuse(path) : status;
}

int guard_target(const char *path, const struct stat *st, int *place)
{
    bool clash = false;

    *place = -1;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < n_inputs && st != NULL && !clash; i++) {
        clash = same(&inputs[i], st);
    }
    for (int i = 0; i < MOST_TARGETS; i++) {
        clash |= st != NULL && is_target(i, st);
        *place = *place < 0 && !targets[i].used ? i : *place;
    }
    if (!clash && *place >= 0) {
        targets[*place].used = true;
        targets[*place].exists = st != NULL;
        targets[*place].is_input = false;
        if (st != NULL) {
            targets[*place].file = (struct identity){st->st_dev, st->st_ino};
        }
    }
    pthread_mutex_unlock(&mutex);
    if (clash) {
        *place = -1;
        return refuse(path);
    }
    return *place >= 0 ? CLIPC_OK
                       : base_fail(CLIPC_ERROR_LIMIT, "%s: too many outputs at once", path);
}

int guard_target_check(const char *path, int place)
{
    pthread_mutex_lock(&mutex);
    bool is_input = place >= 0 && targets[place].is_input;
    pthread_mutex_unlock(&mutex);
    return is_input ? refuse(path) : CLIPC_OK;
}

void guard_target_done(int place)
{
    if (place >= 0) {
        pthread_mutex_lock(&mutex);
        targets[place].used = false;
        pthread_mutex_unlock(&mutex);
    }
}
