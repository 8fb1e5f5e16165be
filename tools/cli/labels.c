#include "labels.h"

#include <stdlib.h>
#include <string.h>

/* `template` with the name in place of each {}; malloc. */
static char *fill_template(const char *template, const struct input *name, size_t *length)
{
    size_t places = 0, n = strlen(template), used = 0;
    char *text;

    for (const char *p = template; (p = strstr(p, "{}")) != NULL; p += 2) {
        places++;
    }
    text = malloc(n + places * name->length + 1);
    for (size_t i = 0; text != NULL && i < n;) {
        if (strncmp(template + i, "{}", 2) == 0) {
            memcpy(text + used, name->data, name->length);
            used += name->length;
            i += 2;
        } else {
            text[used++] = template[i++];
        }
    }
    *length = used;
    return text;
}

static int encode_name(struct labels *l, clipc_session *session, size_t i,
                       const char *const *templates, size_t n_templates, float *row)
{
    float *sum = l->vectors + i * l->dim;

    for (size_t t = 0; t < n_templates; t++) {
        size_t length;
        char *filled = fill_template(templates[t], &l->names.items[i], &length);
        struct clipc_text text = {filled, length};
        int status =
            filled == NULL ? CLIPC_ERROR_MEMORY : clipc_encode_texts(session, &text, 1, row);
        free(filled);
        if (status != CLIPC_OK) {
            return cli_error("label '%s': %s", l->names.items[i].data,
                             filled == NULL ? "out of memory" : clipc_errmsg());
        }
        clipc_normalize(row, 1, l->dim);
        for (size_t d = 0; d < l->dim; d++) {
            sum[d] += row[d];
        }
    }
    clipc_normalize(sum, 1, l->dim);
    return CLI_DONE;
}

/* Without templates all labels go in one call, so that they are computed in batches. */
static int encode_plain(struct labels *l, clipc_session *session)
{
    struct clipc_text *texts = malloc(l->names.n * sizeof *texts);
    int code = CLI_DONE;

    for (size_t i = 0; texts != NULL && i < l->names.n; i++) {
        texts[i] = (struct clipc_text){l->names.items[i].data, l->names.items[i].length};
    }
    if (texts == NULL) {
        code = cli_error("out of memory");
    } else if (clipc_encode_texts(session, texts, l->names.n, l->vectors) != CLIPC_OK) {
        code = cli_error("labels: %s", clipc_errmsg());
    } else {
        clipc_normalize(l->vectors, l->names.n, l->dim);
    }
    free(texts);
    return code;
}

int labels_encode(struct labels *l, const clipc_model *model, clipc_session *session,
                  const char *const *templates, size_t n_templates)
{
    float *row;
    int code = CLI_DONE;

    l->dim = (size_t)clipc_dim(model);
    l->vectors = calloc(l->names.n, l->dim * sizeof *l->vectors);
    row = malloc(l->dim * sizeof *row);
    if (l->vectors == NULL || row == NULL) {
        code = cli_error("out of memory for %zu labels", l->names.n);
    } else if (n_templates == 0) {
        code = encode_plain(l, session);
    }
    for (size_t i = 0; code == CLI_DONE && n_templates > 0 && i < l->names.n; i++) {
        code = encode_name(l, session, i, templates, n_templates, row);
    }
    free(row);
    return code;
}

void labels_free(struct labels *l)
{
    inputs_free(&l->names);
    free(l->vectors);
    l->vectors = NULL;
}
