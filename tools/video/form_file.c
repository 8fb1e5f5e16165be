/* form_file.c - a file that appears under its name when it is whole. */
#include "form_file.h"

#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/target.h"

int form_file_open(struct form_file *file, const char *path)
{
    int status = target_open(&file->output, path);

    if (status != CLIPC_OK) {
        return status;
    }
    int fd = dup(file->output.fd);
    file->f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file->f == NULL) {
        status = output_error(&file->output, "open");
        if (fd >= 0) {
            close(fd);
        }
        output_abort(&file->output);
    }
    return status;
}

int form_file_end(struct form_file *file)
{
    bool bad = fflush(file->f) != 0 || ferror(file->f);

    bad |= fclose(file->f) != 0;
    if (bad) {
        int status = output_error(&file->output, "write");
        output_abort(&file->output);
        return status;
    }
    return output_finish(&file->output);
}

void form_file_abandon(struct form_file *file)
{
    fclose(file->f);
    output_abort(&file->output);
}
