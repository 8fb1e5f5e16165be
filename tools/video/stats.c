/* stats.c - three stages that overlap are as fast as the slowest of them, at best: is it so? */
#include "stats.h"

#include <math.h>
#include <stdlib.h>

#include "../../src/base/base.h"
#include "watch.h"

/* Long enough for a mean, short enough to wait for. */
#define MEASURE_SECONDS 4.0

void stats_begin(struct stats *s)
{
    *s = (struct stats){.began = base_seconds()};
}

void stats_count(struct stats *s, const struct pipeline_answer *a)
{
    if (!a->last && !a->lost) {
        s->skipped += a->skipped;
        s->frames++;
        s->latency += a->latency;
    }
}

void stats_end(struct stats *s, uint64_t dropped)
{
    s->dropped = dropped;
    s->seconds = base_seconds() - s->began;
}

/* Frames a second of all sources when nobody encodes; 0 when they cannot be read again. */
static double decode_alone(const struct watch *w)
{
    double began = base_seconds(), seconds = 0;
    struct readers *readers;
    struct reader_frame *f;
    uint64_t frames = 0;

    for (size_t i = 0; i < w->n_sources; i++) {
        const struct readers_source *s = &w->sources[i];
        if (s->address.live || s->realtime || s->address.kind == ADDRESS_STDIN ||
            s->address.kind == ADDRESS_FOLDER) {
            return 0;
        }
    }
    if (readers_start(w->sources, w->n_sources, FRAMES_AHEAD, false, &readers) != CLIPC_OK) {
        return 0;
    }
    while (seconds < MEASURE_SECONDS && (f = readers_take(readers)) != NULL) {
        frames += !f->last;
        readers_give_back(readers, f);
        seconds = base_seconds() - began;
    }
    readers_free(readers);
    return seconds > 0 ? (double)frames / seconds : 0;
}

/* Pictures a second in full batches. */
static double encode_alone(const clipc_model *model, clipc_session *session)
{
    struct clipc_model_info info = {.size = sizeof info};
    struct clipc_session_info made = {.size = sizeof made};

    clipc_model_info(model, &info);
    clipc_session_info(session, &made);
    size_t batch = (size_t)made.batch, side = (size_t)info.image_size, done = 0;
    float *pixels = calloc(batch * 3 * side * side, sizeof *pixels);
    float *rows = calloc(batch * (size_t)info.dim, sizeof *rows);
    double began = base_seconds(), seconds = 0;

    for (size_t i = 0; pixels != NULL && i < batch * 3 * side * side; i++) {
        pixels[i] = (float)(i * 7919 % 255) / 128 - 1;
    }
    while (pixels != NULL && rows != NULL && seconds < MEASURE_SECONDS &&
           clipc_encode_pixels(session, pixels, batch, rows) == CLIPC_OK) {
        done += batch;
        seconds = base_seconds() - began;
    }
    free(pixels);
    free(rows);
    return seconds > 0 ? (double)done / seconds : 0;
}

void stats_show(const struct stats *s, const struct watch *w, const clipc_model *model,
                clipc_session *session)
{
    double rate = s->seconds > 0 ? (double)s->frames / s->seconds : 0;
    double decoding = s->frames > 0 ? decode_alone(w) : 0;

    cli_note("%llu frames in %.2f s: %.1f a second, %.1f ms from frame to answer, %llu dropped",
             (unsigned long long)s->frames, s->seconds, rate,
             s->frames > 0 ? 1e3 * s->latency / (double)s->frames : 0,
             (unsigned long long)s->dropped);
    if (decoding > 0) {
        double encoding = encode_alone(model, session), slower = fmin(decoding, encoding);
        cli_note("alone: decoding %.1f a second, encoding %.1f; the pipeline has %.2f of the "
                 "slower one's rate",
                 decoding, encoding, slower > 0 ? rate / slower : 0);
    }
}
