/* stats.c - three stages that overlap are as fast as the slowest of them, at best: is it so?  Where
 * each of two stages alone keeps every CPU busy, both together are not: then what the CPUs can do
 * is less, and is said too. */
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../../src/base/base.h"
#include "../../src/base/cpus.h"
#include "watch.h"

/* Long enough for a mean, short enough to wait for. */
#define MEASURE_SECONDS 4.0
#define PREPARE_SECONDS 0.5

/* A stage alone. */
struct stage {
    double rate; /* frames a second; 0: it cannot be measured */
    double cpu;  /* seconds of one CPU that a frame takes, its programs' with it */
};

/* Seconds that this process and those that it has waited for kept a CPU busy. */
static double cpu_seconds(void)
{
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    struct rusage used;
    double seconds = 0;

    for (size_t i = 0; i < 2; i++) {
        if (getrusage(whose[i], &used) == 0) {
            seconds += (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                       1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
        }
    }
    return seconds;
}

void stats_begin(struct stats *s)
{
    *s = (struct stats){.began = base_seconds(), .cpu = -cpu_seconds()};
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
    s->cpu += cpu_seconds();
}

/* ---- Each stage alone ------------------------------------------------------------------------ */

static struct stage stage_of(uint64_t frames, double seconds, double cpu)
{
    bool any = frames > 0 && seconds > 0;

    return any ? (struct stage){(double)frames / seconds, cpu / (double)frames}
               : (struct stage){0, 0};
}

/* Can they be read once more? */
static bool can_read_again(const struct watch *w)
{
    for (size_t i = 0; i < w->n_sources; i++) {
        const struct readers_source *s = &w->sources[i];
        if (s->address.live || s->realtime || s->address.kind == ADDRESS_STDIN ||
            s->address.kind == ADDRESS_FOLDER) {
            return false;
        }
    }
    return true;
}

/* A picture to the model's pixels, over and over, in this thread. */
static struct stage prepare_alone(const struct watch *w, const clipc_model *model,
                                  const clipc_session *session, const struct clipc_image *image)
{
    struct clipc_model_info info = {.size = sizeof info};
    uint64_t n = 0;

    clipc_model_info(model, &info);
    size_t side = (size_t)info.image_size;
    float *pixels = calloc(3 * side * side + 1, sizeof *pixels);
    double began = base_seconds(), cpu = cpu_seconds(), seconds = 0;
    while (pixels != NULL && image->data != NULL && seconds < PREPARE_SECONDS &&
           clipc_session_preprocess(session, image, w->cli->session.preprocess, 0, pixels) ==
               CLIPC_OK) {
        n++;
        seconds = base_seconds() - began;
    }
    free(pixels);
    return stage_of(n, seconds, cpu_seconds() - cpu);
}

/* All sources when nobody encodes.  *image: a copy of one of their pictures; data NULL: none. */
static struct stage decode_alone(const struct watch *w, struct clipc_image *image)
{
    double began = base_seconds(), cpu = cpu_seconds(), seconds = 0;
    struct reader_frame *f;
    struct readers *readers;
    uint64_t frames = 0;

    if (readers_start(w->sources, w->n_sources, FRAMES_AHEAD, false, &readers) != CLIPC_OK) {
        return (struct stage){0, 0};
    }
    while (seconds < MEASURE_SECONDS && (f = readers_take(readers)) != NULL) {
        const struct clipc_image *picture = &f->frame.image;
        size_t bytes = picture->stride * picture->height;
        void *copy = NULL;
        if (image->data == NULL && !f->last && !f->frame.broken && (copy = malloc(bytes)) != NULL) {
            *image = *picture;
            image->data = memcpy(copy, picture->data, bytes);
        }
        frames += !f->last;
        readers_give_back(readers, f);
        seconds = base_seconds() - began;
    }
    readers_free(readers); /* and its programs, whose time counts once they have ended */
    return stage_of(frames, seconds, cpu_seconds() - cpu);
}

/* Pictures in full batches. */
static struct stage encode_alone(const clipc_model *model, clipc_session *session)
{
    struct clipc_model_info info = {.size = sizeof info};
    struct clipc_session_info made = {.size = sizeof made};

    clipc_model_info(model, &info);
    clipc_session_info(session, &made);
    size_t batch = (size_t)made.batch, side = (size_t)info.image_size, done = 0;
    float *pixels = calloc(batch * 3 * side * side, sizeof *pixels);
    float *rows = calloc(batch * (size_t)info.dim, sizeof *rows);
    double began = base_seconds(), cpu = cpu_seconds(), seconds = 0;

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
    return stage_of(done, seconds, cpu_seconds() - cpu);
}

/* ---- What is said ---------------------------------------------------------------------------- */

static void compare(const struct stats *s, const struct stage *decoding,
                    const struct stage *preparing, const struct stage *encoding)
{
    double rate = (double)s->frames / s->seconds;
    double slower = fmin(decoding->rate, encoding->rate);
    double cpu = decoding->cpu + preparing->cpu + encoding->cpu;
    int cpus = cpus_available();
    double most = cpu > 0 ? fmin(slower, cpus / cpu) : slower;

    cli_note("alone: decoding %.1f a second, encoding %.1f; the pipeline has %.2f of the slower "
             "one's rate",
             decoding->rate, encoding->rate, slower > 0 ? rate / slower : 0);
    cli_note("CPU time of a frame: %.1f ms; alone %.1f to decode, %.1f to prepare, %.1f to encode, "
             "which is %.1f a second at most on %d CPUs; the pipeline has %.2f of that",
             1e3 * s->cpu / (double)s->frames, 1e3 * decoding->cpu, 1e3 * preparing->cpu,
             1e3 * encoding->cpu, most, cpus, most > 0 ? rate / most : 0);
}

void stats_show(const struct stats *s, const struct watch *w, const clipc_model *model,
                clipc_session *session)
{
    double rate = s->seconds > 0 ? (double)s->frames / s->seconds : 0;
    struct stage decoding = {0, 0}, preparing, encoding;
    struct clipc_image image = {.data = NULL};

    if (s->frames > 0 && can_read_again(w)) {
        decoding = decode_alone(w, &image);
    }
    cli_note("%llu frames in %.2f s: %.1f a second, %.1f ms from frame to answer, %llu dropped",
             (unsigned long long)s->frames, s->seconds, rate,
             s->frames > 0 ? 1e3 * s->latency / (double)s->frames : 0,
             (unsigned long long)s->dropped);
    if (decoding.rate > 0) {
        preparing = prepare_alone(w, model, session, &image);
        encoding = encode_alone(model, session);
        compare(s, &decoding, &preparing, &encoding);
    }
    free(image.data);
}
