/* metrics.c - counts requests; prints them and the models' figures for Prometheus. */
#include "metrics.h"

#include <string.h>

#include "server.h"

const double metrics_bounds[METRICS_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                0.1,   0.25,   0.5,   1,    2.5,   10};

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
    size_t bucket = 0;

    while (bucket < METRICS_BUCKETS && seconds > metrics_bounds[bucket]) {
        bucket++;
    }
    pthread_mutex_lock(&m->lock);
    struct metrics_row *row = row_of(m, handler, method, status / 100);
    if (row != NULL) {
        row->count++;
    }
    m->seconds[bucket]++;
    m->seconds_sum += seconds;
    m->bytes_out += bytes;
    m->total++;
    pthread_mutex_unlock(&m->lock);
}

static void head(FILE *f, const char *name, const char *kind, const char *help)
{
    fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void print_requests(FILE *f, struct metrics *m)
{
    uint64_t below = 0;

    pthread_mutex_lock(&m->lock);
    head(f, "http_requests_total", "counter", "Requests by handler, method and class of status.");
    for (size_t i = 0; i < m->n_rows; i++) {
        const struct metrics_row *r = &m->rows[i];
        fprintf(f, "http_requests_total{handler=\"%s\",method=\"%s\",status=\"%dxx\"} %llu\n",
                r->handler, r->method, r->status_class, (unsigned long long)r->count);
    }
    head(f, "http_request_duration_seconds", "histogram",
         "From the head of a request to the last byte of its reply.");
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        below += m->seconds[i];
        fprintf(f, "http_request_duration_seconds_bucket{le=\"%g\"} %llu\n", metrics_bounds[i],
                (unsigned long long)below);
    }
    fprintf(f,
            "http_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
            "http_request_duration_seconds_sum %.6f\nhttp_request_duration_seconds_count %llu\n",
            (unsigned long long)m->total, m->seconds_sum, (unsigned long long)m->total);
    head(f, "http_response_bytes_total", "counter", "Bytes of the replies' bodies.");
    fprintf(f, "http_response_bytes_total %llu\n", (unsigned long long)m->bytes_out);
    pthread_mutex_unlock(&m->lock);
}

/* A label's value, as the format wants it. */
static void put_label(FILE *f, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"') {
            fputc('\\', f);
        }
        fputc((unsigned char)*text < ' ' ? '?' : *text, f);
    }
}

struct printing {
    FILE *f;
    int what;
};

static void print_model(void *arg, const char *name, const struct model *model)
{
    const struct printing *p = arg;
    struct batch_figures g;
    static const char *const metrics[] = {
        "clipc_images_total",          "clipc_texts_total",
        "clipc_batches_total",         "clipc_encode_seconds_total",
        "clipc_text_cache_hits_total", "clipc_text_cache_misses_total"};

    if (model == NULL) {
        return;
    }
    encoder_read_figures(model->encoder, &g);
    const double values[] = {(double)g.images, (double)g.texts,     (double)g.batches,
                             g.seconds,        (double)model->hits, (double)model->misses};
    if (p->what < 6) {
        fprintf(p->f, "%s{model=\"", metrics[p->what]);
        put_label(p->f, name);
        fprintf(p->f, "\"} %.17g\n", values[p->what]);
        return;
    }
    uint64_t below = 0;
    for (int i = 0; i < BATCH_BUCKETS; i++) {
        below += g.sizes[i];
        fputs("clipc_batch_items_bucket{model=\"", p->f);
        put_label(p->f, name);
        if (i < BATCH_BUCKETS - 1) {
            fprintf(p->f, "\",le=\"%d\"} %llu\n", 1 << i, (unsigned long long)below);
        } else {
            fprintf(p->f, "\",le=\"+Inf\"} %llu\n", (unsigned long long)below);
        }
    }
    fputs("clipc_batch_items_sum{model=\"", p->f);
    put_label(p->f, name);
    fprintf(p->f, "\"} %llu\nclipc_batch_items_count{model=\"",
            (unsigned long long)(g.images + g.texts));
    put_label(p->f, name);
    fprintf(p->f, "\"} %llu\n", (unsigned long long)g.batches);
}

static void print_models(FILE *f, struct models *models)
{
    static const struct {
        const char *name, *kind, *help;
    } what[] = {
        {"clipc_images_total", "counter", "Images encoded."},
        {"clipc_texts_total", "counter", "Texts encoded (those of the cache not counted)."},
        {"clipc_batches_total", "counter", "Batches computed."},
        {"clipc_encode_seconds_total", "counter", "Time in the network."},
        {"clipc_text_cache_hits_total", "counter", "Texts whose vectors were remembered."},
        {"clipc_text_cache_misses_total", "counter", "Texts that had to be encoded."},
        {"clipc_batch_items", "histogram", "Images or texts in a batch."},
    };

    for (int i = 0; i < 7; i++) {
        head(f, what[i].name, what[i].kind, what[i].help);
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
