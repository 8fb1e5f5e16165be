/* files.c - a list of paths, compared by device and number, so that a link hides nothing. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../src/base/base.h"

int files_add(struct files *files, const char *path)
{
    char **paths = realloc(files->paths, (files->n + 1) * sizeof *paths);
    char *copy = strdup(path);

    files->paths = paths != NULL ? paths : files->paths;
    if (paths == NULL || copy == NULL) {
        free(copy);
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    files->paths[files->n++] = copy;
    return CLIPC_OK;
}

void files_free(struct files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->paths[i]);
    }
    free(files->paths);
    memset(files, 0, sizeof *files);
}

const char *files_same(const struct files *files, const char *path)
{
    struct stat mine, theirs;

    if (stat(path, &mine) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < files->n; i++) {
        if (stat(files->paths[i], &theirs) == 0 && theirs.st_dev == mine.st_dev &&
            theirs.st_ino == mine.st_ino) {
            return files->paths[i];
        }
    }
    return NULL;
}

bool files_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

bool files_is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *files_join(const char *folder, const char *name)
{
    size_t n = strlen(folder), room = n + strlen(name) + 2;
    char *path = malloc(room);

    if (path == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", name);
    } else {
        snprintf(path, room, "%s%s%s", folder, n > 0 && folder[n - 1] == '/' ? "" : "/", name);
    }
    return path;
}

char *files_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = strdup(slash == NULL ? "." : slash == path ? "/" : path);

    if (folder == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    } else if (slash != NULL && slash != path) {
        folder[slash - path] = '\0';
    }
    return folder;
}

int files_home(const char *path, char **folder)
{
    *folder = NULL;
    if (!files_exists(path)) {
        return base_fail(CLIPC_ERROR_IO, "%s: no such file or folder", path);
    }
    *folder = files_is_folder(path) ? strdup(path) : files_parent(path);
    return *folder != NULL ? CLIPC_OK : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
}
