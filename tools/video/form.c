/* form.c - a form's file. */
#include "form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/target.h"

int form_open(struct form *form, const struct form_class *class, const char *path)
{
    int status = target_open(&form->output, path);

    form->class = class;
    if (status != CLIPC_OK) {
        return status;
    }
    int fd = dup(form->output.fd);
    form->f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (form->f == NULL) {
        status = output_error(&form->output, "open");
        if (fd >= 0) {
            close(fd);
        }
        output_abort(&form->output);
    }
    return status;
}

int form_end(struct form *form)
{
    int status = CLIPC_OK;

    form->class->end(form);
    bool bad = fflush(form->f) != 0 || ferror(form->f);
    bad |= fclose(form->f) != 0;
    if (bad) {
        status = output_error(&form->output, "write");
        output_abort(&form->output);
    } else {
        status = output_finish(&form->output);
    }
    form->class->free(form);
    return status;
}

void form_abandon(struct form *form)
{
    fclose(form->f);
    output_abort(&form->output);
    form->class->free(form);
}
