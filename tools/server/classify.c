/* classify.c - POST /v1/classify: which labels fit these images best, in one call.
 *
 *     {"model": NAME, "images": [IMAGE, ...] or "image": IMAGE, "labels": [TEXT, ...],
 *      "templates": ["a photo of a {}", ...]}
 *     {"model": NAME, "display": [low, high],
 *      "results": [[{"label", "score", "cosine"}, ... best first], ...]}
 *
 * A score is the softmax of the model's logits over the labels (sigmoid for models trained so).
 * Several templates: the mean of their vectors, as the CLIP paper, 3.1.4. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cli/json_put.h"
#include "body.h"
#include "call.h"

struct job {
    struct call c;
    const json_t **images; /* [n_images] */
    size_t n_images, n_labels;
    const json_t *labels;
    float *label_vectors, *image_vectors; /* [n, dim], of length 1 */
};

static bool all_strings(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_is_string(json_array_get(list, i))) {
            return false;
        }
    }
    return json_is_array(list) && json_array_size(list) > 0;
}

/* The label in the template's place of {}, or the label itself. */
static json_t *filled(const char *template, const char *label)
{
    const char *place = template == NULL ? NULL : strstr(template, "{}");

    return place == NULL
               ? json_string(label)
               : json_sprintf("%.*s%s%s", (int)(place - template), template, label, place + 2);
}

/* Adds the vectors of all labels under one template, each of length 1. */
static bool add_template(struct job *job, const char *template, float *scratch)
{
    size_t n = job->n_labels, dim = (size_t)job->c.model->info.dim;
    const json_t **items = calloc(n, sizeof *items);
    bool good =
        items != NULL || call_refuse(&job->c, 503, "no memory for this request now: try again");

    for (size_t i = 0; i < n && good; i++) {
        items[i] = filled(template, json_string_value(json_array_get(job->labels, i)));
        good = items[i] != NULL || call_refuse(&job->c, 400, "a label with U+0000 in it");
    }
    good = good && call_embed_texts(&job->c, items, n, scratch);
    if (good) {
        clipc_normalize(scratch, n, dim);
        for (size_t i = 0; i < n * dim; i++) {
            job->label_vectors[i] += scratch[i];
        }
    }
    for (size_t i = 0; items != NULL && i < n; i++) {
        json_decref((json_t *)(size_t)items[i]);
    }
    free((void *)items);
    return good;
}

static bool embed_labels(struct job *job)
{
    const json_t *templates = json_object_get(job->c.body, "templates");
    size_t dim = (size_t)job->c.model->info.dim, n = json_array_size(templates);
    float *scratch = malloc(job->n_labels * dim * sizeof *scratch);
    bool good =
        scratch != NULL || call_refuse(&job->c, 503, "no memory for this request now: try again");

    if (templates == NULL) {
        good = good && add_template(job, NULL, scratch);
    }
    for (size_t i = 0; i < n && good; i++) {
        good = add_template(job, json_string_value(json_array_get(templates, i)), scratch);
    }
    clipc_normalize(job->label_vectors, job->n_labels, dim);
    free(scratch);
    return good;
}

struct scored {
    size_t label;
    double logit, score;
    float cosine;
};

static int best_first(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;

    return x->logit > y->logit   ? -1
           : x->logit < y->logit ? 1
                                 : (x->label > y->label) - (x->label < y->label);
}

static void score(const struct job *job, const float *image, struct scored *all)
{
    size_t dim = (size_t)job->c.model->info.dim;
    double sum = 0;

    for (size_t i = 0; i < job->n_labels; i++) {
        all[i].label = i;
        all[i].cosine = clipc_cosine(image, job->label_vectors + i * dim, dim);
        all[i].logit = (double)clipc_logit(job->c.model->handle, all[i].cosine);
    }
    qsort(all, job->n_labels, sizeof *all, best_first);
    for (size_t i = 0; i < job->n_labels; i++) {
        bool sigmoid = job->c.model->info.score == CLIPC_SCORE_SIGMOID;
        all[i].score = sigmoid ? 1 / (1 + exp(-all[i].logit)) : exp(all[i].logit - all[0].logit);
        sum += sigmoid ? 0 : all[i].score;
    }
    for (size_t i = 0; i < job->n_labels && sum > 0; i++) {
        all[i].score /= sum;
    }
}

static void reply_results(struct job *job)
{
    struct scored *all = calloc(job->n_labels, sizeof *all);
    size_t dim = (size_t)job->c.model->info.dim;

    if (all == NULL) {
        call_refuse(&job->c, 503, "no memory for this request now: try again");
        return;
    }
    FILE *f = reply_begin(job->c.reply, 200, "application/json");
    if (f != NULL) {
        fputs("{\"model\":", f);
        json_put_c_string(f, job->c.model->name);
        fputs(",\"display\":[", f);
        json_put_float(f, (double)job->c.model->info.display_low);
        fputc(',', f);
        json_put_float(f, (double)job->c.model->info.display_high);
        fputs("],\"results\":[", f);
        for (size_t i = 0; i < job->n_images; i++) {
            score(job, job->image_vectors + i * dim, all);
            fputs(i > 0 ? ",[" : "[", f);
            for (size_t j = 0; j < job->n_labels; j++) {
                fputs(j > 0 ? ",{\"label\":" : "{\"label\":", f);
                json_put_c_string(f, json_string_value(json_array_get(job->labels, all[j].label)));
                fputs(",\"score\":", f);
                json_put_float(f, all[j].score);
                fputs(",\"cosine\":", f);
                json_put_float(f, (double)all[j].cosine);
                fputc('}', f);
            }
            fputc(']', f);
        }
        fputs("]}", f);
        reply_end(job->c.reply);
    }
    free(all);
}

/* The fields, checked; false after refusing. */
static bool take_fields(struct job *job)
{
    const json_t *one = json_object_get(job->c.body, "image");
    const json_t *many = json_object_get(job->c.body, "images");
    const json_t *templates = json_object_get(job->c.body, "templates");

    job->labels = json_object_get(job->c.body, "labels");
    job->n_labels = json_array_size(job->labels);
    job->n_images = one != NULL ? 1 : json_array_size(many);
    if (!all_strings(job->labels) || job->n_labels > CALL_MAX_TEXTS ||
        (templates != NULL && (!all_strings(templates) || json_array_size(templates) > 100))) {
        return call_refuse(&job->c, 400,
                           "labels wants a list of 1 to %d strings, templates one of 1 to 100",
                           CALL_MAX_TEXTS);
    }
    if (job->n_images == 0 || job->n_images > job->c.s->options.max_items) {
        return call_refuse(&job->c, 400, "images wants a list of 1 to %zu images",
                           job->c.s->options.max_items);
    }
    job->images = malloc(job->n_images * sizeof *job->images);
    for (size_t i = 0; job->images != NULL && i < job->n_images; i++) {
        job->images[i] = one != NULL ? one : json_array_get(many, i);
    }
    return job->images != NULL ||
           call_refuse(&job->c, 503, "no memory for this request now: try again");
}

void classify_route(struct server *s, const struct request *request, struct reply *reply)
{
    struct job job = {.c = {.s = s,
                            .request = request,
                            .reply = reply,
                            .refuse = call_refuse_openai,
                            .rules = CLIPC_RULES_FILE}};
    struct reply complaint = {0};

    job.c.body = body_parse(request, &complaint);
    reply_free(&complaint);
    if (job.c.body == NULL) {
        call_refuse(&job.c, 400, "the body is no JSON object");
    } else if (take_fields(&job) &&
               call_open_model(&job.c, json_string_value(json_object_get(job.c.body, "model")))) {
        size_t dim = (size_t)job.c.model->info.dim;
        job.label_vectors = calloc(job.n_labels * dim, sizeof(float));
        job.image_vectors = malloc(job.n_images * dim * sizeof(float));
        if (job.label_vectors == NULL || job.image_vectors == NULL) {
            call_refuse(&job.c, 503, "no memory for this request now: try again");
        } else if (embed_labels(&job) &&
                   call_embed_images(&job.c, job.images, job.n_images, job.image_vectors)) {
            reply_results(&job);
        }
    }
    free((void *)job.images);
    free(job.label_vectors);
    free(job.image_vectors);
    call_end(&job.c);
}
