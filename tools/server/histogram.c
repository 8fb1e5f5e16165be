/* histogram.c - seconds in classes from a millisecond to ten seconds. */
#include "histogram.h"

static const double bounds[HISTOGRAM_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,   0.25,   0.5,   1,    2.5,   10};

void histogram_add(struct histogram *h, double seconds)
{
    size_t bucket = 0;

    while (bucket < HISTOGRAM_BUCKETS && seconds > bounds[bucket]) {
        bucket++;
    }
    h->counts[bucket]++;
    h->total++;
    h->sum += seconds;
}

void histogram_print(const struct histogram *h, FILE *f, const char *name, const char *labels)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    uint64_t below = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += h->counts[i];
        fprintf(f, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma, bounds[i],
                (unsigned long long)below);
    }
    fprintf(f, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma,
            (unsigned long long)h->total);
    const char *open = labels[0] != '\0' ? "{" : "", *close = labels[0] != '\0' ? "}" : "";
    fprintf(f, "%s_sum%s%s%s %.6f\n", name, open, labels, close, h->sum);
    fprintf(f, "%s_count%s%s%s %llu\n", name, open, labels, close, (unsigned long long)h->total);
}
