/* csv.c - a row for each frame, a column for each prompt's cosine (RFC 4180). */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../cli/json_put.h"
#include "form_file.h"

static void put_field(FILE *f, const char *text, size_t n)
{
    bool quoted = false;

    for (size_t i = 0; i < n; i++) {
        quoted |= strchr(",\"\r\n", text[i]) != NULL; /* a 0 too */
    }
    if (!quoted) {
        fwrite(text, 1, n, f);
        return;
    }
    putc('"', f);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"') {
            putc('"', f);
        }
        putc(text[i], f);
    }
    putc('"', f);
}

static void frame(struct form *form, const struct shown *s)
{
    FILE *f = ((struct form_file *)form)->f;

    put_field(f, s->name, s->name_length);
    fprintf(f, ",%llu,", (unsigned long long)s->answer->number);
    json_put_float(f, s->answer->time);
    for (size_t i = 0; i < s->scores->n; i++) {
        putc(',', f);
        json_put_float(f, s->scores->cosines[i]);
    }
    fputs("\r\n", f);
}

static int end(struct form *form)
{
    int status = form_file_end((struct form_file *)form);

    free(form);
    return status;
}

static void abandon(struct form *form)
{
    form_file_abandon((struct form_file *)form);
    free(form);
}

int csv_new(const char *path, const struct labels *prompts, struct form **out)
{
    static const struct form_class class = {frame, end, abandon};
    struct form_file *file = calloc(1, sizeof *file);
    int status =
        file == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : form_file_open(file, path);

    if (status != CLIPC_OK) {
        free(file);
        return status;
    }
    file->form.class = &class;
    fputs("source,frame,timestamp", file->f);
    for (size_t i = 0; i < prompts->n; i++) {
        putc(',', file->f);
        put_field(file->f, prompts->names[i].text, prompts->names[i].length);
    }
    fputs("\r\n", file->f);
    *out = &file->form;
    return CLIPC_OK;
}
