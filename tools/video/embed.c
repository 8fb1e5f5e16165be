/* embed.c - --embed: each frame's vector as a row of an array, and beside it what frame it is of.
 * Both files grow as frames come, and get their names when both are whole. */
#include <stdlib.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../../src/base/guard.h"
#include "../cli/json_put.h"
#include "../cli/npy.h"
#include "form_file.h"
#include "stored.h"

struct embed {
    struct form_file lines; /* first */
    struct npy_writer *npy;
    size_t rows, bytes; /* bytes: of one */
    char hash[65];
    char error[512]; /* the first write that failed */
};

static void frame(struct form *form, const struct shown *s)
{
    struct embed *e = (struct embed *)form;
    FILE *f = e->lines.f;

    if (e->error[0] != '\0') {
        return;
    }
    if (npy_append(e->npy, s->answer->embedding, e->bytes) != CLIPC_OK) {
        snprintf(e->error, sizeof e->error, "%s", clipc_errmsg());
        return;
    }
    fputs("{\"source\": ", f);
    json_put_string(f, s->name, s->name_length);
    fprintf(f, ", \"frame\": %llu, \"timestamp\": ", (unsigned long long)s->answer->number);
    json_put_float(f, s->answer->time);
    if (s->answer->path != NULL) {
        fputs(", \"path\": ", f);
        json_put_c_string(f, s->answer->path);
    }
    fprintf(f, ", \"model\": \"%s\"}\n", e->hash);
    if (ferror(f)) {
        output_error(&e->lines.output, "write");
        snprintf(e->error, sizeof e->error, "%s", clipc_errmsg());
    }
    e->rows++;
}

static void abandon(struct form *form)
{
    struct embed *e = (struct embed *)form;

    npy_abort(e->npy);
    form_file_abandon(&e->lines);
    free(e);
}

/* Nothing but its name is missing of either file before one of them gets it. */
static int end(struct form *form)
{
    struct embed *e = (struct embed *)form;
    struct form_file *lines = &e->lines;
    int status = e->error[0] != '\0' ? base_fail(CLIPC_ERROR_IO, "%s", e->error)
                                     : guard_target_check(lines->output.path, lines->output.place);

    if (status == CLIPC_OK && (fflush(lines->f) != 0 || fsync(lines->output.fd) != 0)) {
        status = output_error(&lines->output, "write");
    }
    if (status != CLIPC_OK) {
        abandon(form);
        return status;
    }
    status = npy_close(e->npy, e->rows);
    if (status == CLIPC_OK) {
        status = form_file_end(lines);
    } else {
        form_file_abandon(lines);
    }
    free(e);
    return status;
}

int embed_new(const char *path, const clipc_model *model, struct form **out)
{
    static const struct form_class class = {frame, end, abandon};
    struct embed *e = calloc(1, sizeof *e);
    char *lines = stored_lines(path);
    size_t dim = (size_t)clipc_dim(model);
    int status = lines != NULL ? CLIPC_OK : CLIPC_ERROR_ARGUMENT;

    if (status == CLIPC_OK && e == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    if (status == CLIPC_OK) {
        status = npy_open(path, NPY_F4, 0, &dim, 1, &e->npy);
    }
    if (status == CLIPC_OK && (status = form_file_open(&e->lines, lines)) != CLIPC_OK) {
        npy_abort(e->npy);
    }
    free(lines);
    if (status != CLIPC_OK) {
        free(e);
        return status;
    }
    e->bytes = dim * sizeof(float);
    stored_hash(model, e->hash);
    e->lines.form.class = &class;
    *out = &e->lines.form;
    return CLIPC_OK;
}
