/* metrics.c - counts requests; prints them and the models' figures for Prometheus. */
#include "metrics.h"

#include <stdlib.h>
#include <string.h>

#include "server.h"

void metrics_init(struct metrics *m)
{
    memset(m, 0, sizeof *m);
    pthread_mutex_init(&m->lock, NULL);
}

static struct metrics_row *row_of(struct metrics *m, const char *handler, const char *method,
                                  int status_class)
{
    for (size_t i = 0; i < m->n_rows; i++) {
        struct metrics_row *r = &m->rows[i];
        if (r->status_class == status_class && strcmp(r->handler, handler) == 0 &&
            strcmp(r->method, method) == 0) {
            return r;
        }
    }
    if (m->n_rows == sizeof m->rows / sizeof m->rows[0]) {
        return NULL;
    }
    m->rows[m->n_rows] = (struct metrics_row){handler, method, status_class, 0};
    return &m->rows[m->n_rows++];
}

void metrics_count(struct metrics *m, const char *handler, const char *method, int status,
                   double seconds, size_t bytes)
{
    pthread_mutex_lock(&m->lock);
    struct metrics_row *row = row_of(m, handler, method, status / 100);
    if (row != NULL) {
        row->count++;
    }
    histogram_add(&m->seconds, seconds);
    m->bytes_out += bytes;
    pthread_mutex_unlock(&m->lock);
}

static void head(FILE *f, const char *name, const char *kind, const char *help)
{
    fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void print_requests(FILE *f, struct metrics *m)
{
    pthread_mutex_lock(&m->lock);
    head(f, "http_requests_total", "counter", "Requests by handler, method and class of status.");
    for (size_t i = 0; i < m->n_rows; i++) {
        const struct metrics_row *r = &m->rows[i];
        fprintf(f, "http_requests_total{handler=\"%s\",method=\"%s\",status=\"%dxx\"} %llu\n",
                r->handler, r->method, r->status_class, (unsigned long long)r->count);
    }
    head(f, "http_request_duration_seconds", "histogram",
         "From the head of a request to the last byte of its reply.");
    histogram_print(&m->seconds, f, "http_request_duration_seconds", "");
    head(f, "http_response_bytes_total", "counter", "Bytes of the replies' bodies.");
    fprintf(f, "http_response_bytes_total %llu\n", (unsigned long long)m->bytes_out);
    pthread_mutex_unlock(&m->lock);
}

/* "model=\"NAME\"", escaped as the format wants it; NULL without memory. */
static char *model_label(const char *name)
{
    char *label = malloc(2 * strlen(name) + sizeof "model=\"\""), *to = label;

    if (label == NULL) {
        return NULL;
    }
    to = stpcpy(to, "model=\"");
    for (; *name != '\0'; name++) {
        if (*name == '\\' || *name == '"') {
            *to++ = '\\';
        }
        *to++ = (unsigned char)*name < ' ' ? '?' : *name;
    }
    strcpy(to, "\"");
    return label;
}

static void print_batch_items(FILE *f, const char *label, const struct batch_figures *g)
{
    uint64_t below = 0;

    for (int i = 0; i < BATCH_BUCKETS - 1; i++) {
        below += g->sizes[i];
        fprintf(f, "clipc_batch_items_bucket{%s,le=\"%d\"} %llu\n", label, 1 << i,
                (unsigned long long)below);
    }
    fprintf(f, "clipc_batch_items_bucket{%s,le=\"+Inf\"} %llu\n", label,
            (unsigned long long)g->batches);
    fprintf(f, "clipc_batch_items_sum{%s} %llu\nclipc_batch_items_count{%s} %llu\n", label,
            (unsigned long long)(g->images + g->texts), label, (unsigned long long)g->batches);
}

/* What is told of each model; the histograms behind the counters. */
enum { COUNTERS = 6, ITEMS = COUNTERS, LATENCY, MODEL_METRICS };
static const struct {
    const char *name, *kind, *help;
} of_models[MODEL_METRICS] = {
    {"clipc_images_total", "counter", "Images encoded."},
    {"clipc_texts_total", "counter", "Texts encoded (those of the cache not counted)."},
    {"clipc_batches_total", "counter", "Batches computed."},
    {"clipc_encode_seconds_total", "counter", "Time in the network."},
    {"clipc_text_cache_hits_total", "counter", "Texts whose vectors were remembered."},
    {"clipc_text_cache_misses_total", "counter", "Texts that had to be encoded."},
    {"clipc_batch_items", "histogram", "Images or texts in a batch."},
    {"clipc_vector_seconds", "histogram",
     "From a request's pixels or tokens to its vectors, waiting included."},
};

struct printing {
    FILE *f;
    int what;
};

static void print_model(void *arg, const char *name, const struct model *model)
{
    const struct printing *p = arg;
    struct encoder_figures g;
    char *label = model != NULL ? model_label(name) : NULL;

    if (label == NULL) {
        return;
    }
    encoder_read_figures(model->encoder, &g);
    const double counters[COUNTERS] = {(double)g.batch.images,  (double)g.batch.texts,
                                       (double)g.batch.batches, g.batch.seconds,
                                       (double)model->hits,     (double)model->misses};
    if (p->what < COUNTERS) {
        fprintf(p->f, "%s{%s} %.17g\n", of_models[p->what].name, label, counters[p->what]);
    } else if (p->what == ITEMS) {
        print_batch_items(p->f, label, &g.batch);
    } else {
        histogram_print(&g.seconds, p->f, of_models[LATENCY].name, label);
    }
    free(label);
}

static void print_models(FILE *f, struct models *models)
{
    for (int i = 0; i < MODEL_METRICS; i++) {
        head(f, of_models[i].name, of_models[i].kind, of_models[i].help);
        models_each(models, print_model, &(struct printing){f, i});
    }
}

void metrics_route(struct server *s, const struct request *request, struct reply *reply)
{
    FILE *f = reply_begin(reply, 200, "text/plain; version=0.0.4; charset=utf-8");

    (void)request;
    if (f == NULL) {
        return;
    }
    print_requests(f, &s->metrics);
    head(f, "clipc_requests_waiting", "gauge", "Requests in the queue now.");
    fprintf(f, "clipc_requests_waiting %d\n", http_waiting(s->http));
    print_models(f, s->models);
    head(f, "clipc_build_info", "gauge", "Always 1.");
    fprintf(f, "clipc_build_info{version=\"%s\"} 1\n", clipc_version());
    reply_end(reply);
}
