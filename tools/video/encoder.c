/* encoder.c - codecs and options, the same for every film that we write. */
#include "encoder.h"

#include <stdio.h>
#include <string.h>

#include "../../src/base/base.h"
#include "feed.h"
#include "process.h"

/* Best first; each with how good: at these values nobody sees the difference. */
static const struct {
    const char *name, *option, *value, *more, *more_value;
} codecs[] = {{"libx264", "-crf", "20", "-preset", "veryfast"},
              {"mpeg4", "-q:v", "3", "-vtag", "mp4v"}};
enum { CODECS = sizeof codecs / sizeof codecs[0] };

/* Seconds in which it must have said what it can, however busy the machine is: no network is in
 * this, and no source, so that --timeout is none of its business. */
#define PATIENCE 30

int encoder_find(const char *option)
{
    static const char *const argv[] = {"ffmpeg", "-hide_banner", "-loglevel",
                                       "quiet",  "-encoders",    NULL};
    struct process process;
    struct feed list;
    char line[512], name[64], why[256] = "";
    int best = CODECS, got, status = process_start(&process, argv, PROCESS_OUT);

    if (status == CLIPC_ERROR_UNSUPPORTED) {
        return base_fail(status,
                         "%s: there is no program ffmpeg, which encodes films "
                         "(apt-get install ffmpeg)",
                         option);
    }
    if (status == CLIPC_OK) {
        status = feed_begin(&list, "ffmpeg -encoders", process.out, -1, PATIENCE);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    list.keep = true;
    while ((got = feed_line(&list, line, sizeof line)) == 1) { /* " V....D libx264   ..." */
        for (int i = 0; i < best && sscanf(line, " V%*s %63s", name) == 1; i++) {
            best = strcmp(name, codecs[i].name) == 0 ? i : best;
        }
    }
    if (got < 0) {
        snprintf(why, sizeof why, "%s", clipc_errmsg());
    }
    feed_close(&list);
    process_end(&process, PATIENCE, NULL);
    if (got < 0) {
        return base_fail(got, "%s: %s", option, why);
    }
    return best < CODECS ? best
                         : base_fail(CLIPC_ERROR_UNSUPPORTED,
                                     "%s: this ffmpeg has neither libx264 nor mpeg4", option);
}

/* The shell's words, one after another, then codec and target. */
void encoder_command(struct encoder *e, int codec, bool pictures, const char *format,
                     const char *target)
{
    static const char even[] =
        "pad=ceil(iw/2)*2:ceil(ih/2)*2,"
        "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,"
        "format=yuv420p";
    const char *const words[] = {
        "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-xerror", "-y",
        /* What comes: at once, with its times. */
        "-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0", "-copyts", "-f",
        "matroska", "-i", "pipe:0", "-map", "0:v", "-vsync", "passthrough",
        /* What becomes of it: a fine clock, and colours as players take them for granted. */
        "-enc_time_base", "1:60000", "-vf", pictures ? even : strchr(even, ',') + 1, "-colorspace",
        "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv", "-c:v",
        codecs[codec].name, codecs[codec].option, codecs[codec].value, codecs[codec].more,
        codecs[codec].more_value, "-movflags", "+faststart", "-f", format, e->target};
    size_t n = sizeof words / sizeof words[0];

    snprintf(e->target, sizeof e->target, "file:%s", target);
    memcpy(e->argv, words, sizeof words);
    e->argv[n] = NULL;
}
