/* clip_writer.c - one ffmpeg at a time, in a thread.  One that neither takes nor writes anything
 * for too long is killed. */
#include "clip_writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "encoder.h"
#include "fresh.h"
#include "outlet.h"

enum { PART = 65536 };

struct clip_writer {
    const char *folder;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct clip *first, **last;
    double patience;
    int codec; /* of encoder.h */
    bool ending, failed;
    size_t waiting; /* and the one in work */
};

/* ---- One film -------------------------------------------------------------------------------- */

/* All frames through ffmpeg into the output.  0, or a negative clipc_status. */
static int encode(const struct clip_writer *w, const struct output *output, int frames)
{
    struct encoder encoder;
    struct outlet_options options = {
        .argv = encoder.argv, .patience = w->patience, .file = output->fd};
    struct outlet *outlet;
    unsigned char part[PART];
    off_t at = 0;
    ssize_t n = 0;
    int taken = 0;

    encoder_command(&encoder, w->codec, true, "mp4", output->temporary);
    int status = outlet_open(&options, 0, 0, 0, &outlet);
    if (status != CLIPC_OK) {
        return status;
    }
    while (taken == 0 && (n = pread(frames, part, sizeof part, at)) > 0) {
        taken = outlet_bytes(outlet, part, (size_t)n);
        at += n;
    }
    status = outlet_close(outlet);
    if (status == CLIPC_OK && (taken != 0 || n < 0 || lseek(output->fd, 0, SEEK_END) <= 0)) {
        status = base_fail(CLIPC_ERROR_IO, "ffmpeg did not make a film of all frames");
    }
    return status;
}

static bool write_one(struct clip_writer *w, struct clip *clip)
{
    struct fresh file;
    int status = fresh_open(&file, w->folder, clip->name, ".mp4");

    if (status == CLIPC_OK) {
        status = encode(w, &file.output, clip->frames);
    }
    if (status == CLIPC_OK) {
        status = fresh_finish(&file);
    }
    fresh_abort(&file);
    if (status != CLIPC_OK) {
        cli_error("--save-clips: %s: %s", clip->name, clipc_errmsg());
        return false;
    }
    clip->path = strdup(file.path);
    return clip->path != NULL;
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void *run_all(void *arg)
{
    struct clip_writer *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->first == NULL && !w->ending) {
            pthread_cond_wait(&w->changed, &w->lock);
        }
        struct clip *clip = w->first;
        if (clip == NULL) {
            break;
        }
        w->first = clip->next;
        w->last = w->first == NULL ? &w->first : w->last;
        pthread_mutex_unlock(&w->lock);
        bool good = write_one(w, clip);
        pthread_mutex_lock(&w->lock);
        w->failed |= !good;
        clip->done = true;
        w->waiting--;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int clip_writer_new(const char *folder, double patience, struct clip_writer **out)
{
    struct clip_writer *w = NULL;
    int codec = encoder_find("--save-clips"), status = codec < 0 ? codec : CLIPC_OK;
    sigset_t all, old;

    *out = NULL;
    if (status == CLIPC_OK && (w = calloc(1, sizeof *w)) == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    if (status != CLIPC_OK) {
        return status;
    }
    w->folder = folder;
    w->patience = patience;
    w->codec = codec;
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&w->thread, NULL, run_all, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error != 0) {
        free(w);
        return base_fail(CLIPC_ERROR_MEMORY, "the system gives no thread");
    }
    *out = w;
    return CLIPC_OK;
}

void clip_writer_add(struct clip_writer *w, struct clip *clip)
{
    pthread_mutex_lock(&w->lock);
    clip->next = NULL;
    *w->last = clip;
    w->last = &clip->next;
    w->waiting++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

size_t clip_writer_waiting(struct clip_writer *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->waiting;
    pthread_mutex_unlock(&w->lock);
    return n;
}

bool clip_writer_is_done(struct clip_writer *w, const struct clip *clip)
{
    pthread_mutex_lock(&w->lock);
    bool done = clip->done;
    pthread_mutex_unlock(&w->lock);
    return done;
}

void clip_writer_wait(struct clip_writer *w, const struct clip *clip)
{
    pthread_mutex_lock(&w->lock);
    while (!clip->done) {
        pthread_cond_wait(&w->changed, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
}

int clip_writer_free(struct clip_writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    bool failed = w->failed;
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return failed ? CLI_FAILED : CLI_DONE;
}

void clip_free(struct clip *clip)
{
    if (clip != NULL) {
        if (clip->frames >= 0) {
            close(clip->frames);
        }
        free(clip->path);
        free(clip);
    }
}
