/* csv.c - a row for each frame, a column for each prompt's cosine (RFC 4180). */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../cli/json_put.h"
#include "form.h"

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
    put_field(form->f, s->name, s->name_length);
    fprintf(form->f, ",%llu,", (unsigned long long)s->answer->number);
    json_put_float(form->f, s->answer->time);
    for (size_t i = 0; i < s->scores->n; i++) {
        putc(',', form->f);
        json_put_float(form->f, s->scores->cosines[i]);
    }
    fputs("\r\n", form->f);
}

static void end(struct form *form)
{
    (void)form;
}

static void free_csv(struct form *form)
{
    free(form);
}

int csv_new(const char *path, const struct labels *prompts, struct form **out)
{
    static const struct form_class class = {frame, end, free_csv};
    struct form *form = calloc(1, sizeof *form);
    int status = form == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory")
                              : form_open(form, &class, path);

    if (status != CLIPC_OK) {
        free(form);
        return status;
    }
    fputs("source,frame,timestamp", form->f);
    for (size_t i = 0; i < prompts->n; i++) {
        putc(',', form->f);
        put_field(form->f, prompts->names[i].text, prompts->names[i].length);
    }
    fputs("\r\n", form->f);
    *out = form;
    return CLIPC_OK;
}
