/* stats.h - --stats: how fast it was, and how fast its slowest part could have been alone. */
#ifndef CLIPC_STATS_H
#define CLIPC_STATS_H

#include "pipeline.h"

struct watch;

struct stats {
    double began, seconds;
    double cpu; /* seconds of one CPU, of this process and its programs */
    uint64_t frames, skipped, dropped;
    double latency; /* the sum of all */
};

void stats_begin(struct stats *stats);
void stats_count(struct stats *stats, const struct pipeline_answer *answer);
void stats_end(struct stats *stats, uint64_t dropped);

/* Lines on stderr.  Of files it decodes again without encoding, and encodes without decoding, some
 * seconds each, to say what share of the slower one's rate the pipeline reached; and, by the CPU
 * time that each stage takes, what share of what these CPUs can do with all stages at once. */
void stats_show(const struct stats *stats, const struct watch *watch, const clipc_model *model,
                clipc_session *session);

#endif
