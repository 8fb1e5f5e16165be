/* labels.c - names gathered, put into templates, encoded. */
#include "labels.h"

#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "world.h"

int labels_add(struct labels *l, const char *text, size_t length)
{
    lines_typed(&text, &length);
    if (length == 0) {
        cli_note("an empty label is left out");
        return CLI_DONE;
    }
    if (l->n == l->room) {
        size_t room = 2 * l->room + 16;
        struct label *names = realloc(l->names, room * sizeof *names);
        if (names == NULL) {
            return cli_error("out of memory for %zu labels", room);
        }
        l->names = names;
        l->room = room;
    }
    char *copy = malloc(length + 1);
    if (copy == NULL) {
        return cli_error("out of memory");
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    l->names[l->n++] = (struct label){copy, length};
    return CLI_DONE;
}

int labels_add_lines(struct labels *l, const char *path)
{
    struct lines *lines;
    const char *line;
    size_t length;
    int code = CLI_DONE, got;

    if (lines_open(path, LINES_TEXTS, &lines) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    while (code == CLI_DONE && (got = lines_next(lines, &line, &length)) != 0) {
        code = got > 0 ? labels_add(l, line, length) : cli_error("%s", clipc_errmsg());
    }
    lines_close(lines);
    return code;
}

/* `template` with the name in place of each {}; malloc. */
static char *fill_template(const char *template, const struct label *name, size_t *length)
{
    size_t places = 0, n = strlen(template), used = 0;
    char *text;

    for (const char *p = template; (p = strstr(p, "{}")) != NULL; p += 2) {
        places++;
    }
    text = malloc(n + places * name->length + 1);
    for (size_t i = 0; text != NULL && i < n;) {
        if (strncmp(template + i, "{}", 2) == 0) {
            memcpy(text + used, name->text, name->length);
            used += name->length;
            i += 2;
        } else {
            text[used++] = template[i++];
        }
    }
    *length = used;
    return text;
}

static int by_text(const void *a, const void *b)
{
    const struct label *x = *(const struct label *const *)a, *y = *(const struct label *const *)b;
    int order = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);

    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

/* Labels that stand more than once share what one of them would have. */
static void note_twins(const struct labels *l)
{
    const struct label **sorted = malloc(l->n * sizeof *sorted);
    size_t twins = 0, first = 0;

    for (size_t i = 0; sorted != NULL && i < l->n; i++) {
        sorted[i] = &l->names[i];
    }
    if (sorted != NULL) {
        qsort(sorted, l->n, sizeof *sorted, by_text);
    }
    for (size_t i = 1; sorted != NULL && i < l->n; i++) {
        if (by_text(&sorted[i - 1], &sorted[i]) == 0) {
            first = twins++ == 0 ? i : first;
        }
    }
    if (twins > 0) {
        cli_note("label '%s' stands more than once%s: its probability is shared",
                 sorted[first]->text, twins > 1 ? ", and others too" : "");
    }
    free(sorted);
}

void labels_note(const struct labels *l, const struct cli *cli, const clipc_model *model,
                 const char *const *templates, size_t n_templates)
{
    struct world world = {0};

    note_twins(l);
    for (size_t i = 0; i < n_templates; i++) {
        size_t length;
        char *filled = fill_template(templates[i], &l->names[0], &length);
        if (filled != NULL) {
            world_note(&world, cli, model, filled, length);
        }
        free(filled);
    }
    for (size_t i = 0; i < l->n; i++) {
        world_note(&world, cli, model, l->names[i].text, l->names[i].length);
    }
    world_free(&world);
}

static int encode_name(struct labels *l, clipc_session *session, size_t i,
                       const char *const *templates, size_t n_templates, float *row)
{
    float *sum = l->vectors + i * l->dim;

    for (size_t t = 0; t < n_templates; t++) {
        size_t length;
        char *filled = fill_template(templates[t], &l->names[i], &length);
        struct clipc_text text = {filled, length};
        int status =
            filled == NULL ? CLIPC_ERROR_MEMORY : clipc_encode_texts(session, &text, 1, row);
        free(filled);
        if (status != CLIPC_OK) {
            return cli_error("label '%s': %s", l->names[i].text,
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
    struct clipc_text *texts = malloc(l->n * sizeof *texts);
    int code = CLI_DONE;

    for (size_t i = 0; texts != NULL && i < l->n; i++) {
        texts[i] = (struct clipc_text){l->names[i].text, l->names[i].length};
    }
    if (texts == NULL) {
        code = cli_error("out of memory");
    } else if (clipc_encode_texts(session, texts, l->n, l->vectors) != CLIPC_OK) {
        code = cli_error("labels: %s", clipc_errmsg());
    } else {
        clipc_normalize(l->vectors, l->n, l->dim);
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
    l->vectors = calloc(l->n, l->dim * sizeof *l->vectors);
    row = malloc(l->dim * sizeof *row);
    if (l->vectors == NULL || row == NULL) {
        code = cli_error("out of memory for %zu labels", l->n);
    } else if (n_templates == 0) {
        code = encode_plain(l, session);
    }
    for (size_t i = 0; code == CLI_DONE && n_templates > 0 && i < l->n; i++) {
        code = encode_name(l, session, i, templates, n_templates, row);
    }
    free(row);
    return code;
}

void labels_free(struct labels *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->names[i].text);
    }
    free(l->names);
    free(l->vectors);
    memset(l, 0, sizeof *l);
}
