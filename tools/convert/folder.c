/* folder.c - a folder without model.safetensors: what is in it is named, not only what is not. */
#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "files.h"
#include "../cli/probe.h"

static bool ends_in(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);

    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* Names by which people know weights, better known ones first; a name that begins with '*' is an
 * ending. */
static const char *const known[] = {"open_clip_model.safetensors",
                                    "open_clip_pytorch_model.bin",
                                    "*.safetensors",
                                    "pytorch_model.bin",
                                    "*.bin",
                                    "*.pt",
                                    "*.pth",
                                    "*.ckpt",
                                    "*.h5",
                                    "*.msgpack",
                                    "*.onnx",
                                    "*.gguf"};

static size_t rank(const char *name)
{
    size_t i = 0, n = sizeof known / sizeof known[0];

    while (i < n &&
           (known[i][0] == '*' ? !ends_in(name, known[i] + 1) : strcmp(name, known[i]) != 0)) {
        i++;
    }
    return i;
}

/* The entry of `folder` that comes first by rank, then by name: weights when `inside` is NULL, else
 * a folder that holds `inside`.  free() it; NULL: none. */
static char *first_entry(const char *folder, const char *inside)
{
    DIR *dir = opendir(folder);
    char *best = NULL;

    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        char *path = e->d_name[0] != '.' ? files_join(folder, e->d_name) : NULL;
        char *within = path != NULL && inside != NULL ? files_join(path, inside) : NULL;
        size_t r = rank(e->d_name);
        bool found = inside != NULL ? within != NULL && files_exists(within)
                                    : path != NULL && r < sizeof known / sizeof known[0];
        if (found &&
            (best == NULL || r < rank(best) || (r == rank(best) && strcmp(e->d_name, best) < 0))) {
            free(best);
            best = strdup(e->d_name);
        }
        free(path);
        free(within);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return best;
}

/* huggingface_hub's cache: models--ORG--NAME/{refs/main, snapshots/HASH/}.  The snapshot that
 * refs/main names, else the first; free() it; NULL: no such folder. */
static char *snapshot(const char *path)
{
    char *snapshots = files_join(path, "snapshots"), *ref = files_join(path, "refs/main");
    unsigned char *hash = NULL;
    size_t n = 0;
    char *found = NULL;

    if (snapshots != NULL && ref != NULL && files_is_folder(snapshots)) {
        if (files_exists(ref) && base_read_file(ref, 200, &hash, &n) == CLIPC_OK) {
            hash[strcspn((char *)hash, "\r\n/")] = '\0';
            char *named = files_join(snapshots, (char *)hash);
            found = named != NULL && hash[0] != '\0' && files_exists(named) ? strdup((char *)hash)
                                                                            : NULL;
            free(named);
        }
        found = found != NULL ? found : first_entry(snapshots, "config.json");
    }
    base_free(hash);
    free(snapshots);
    free(ref);
    return found;
}

/* The sentence about the file `name` of the folder. */
static int explain(const char *path, const char *name)
{
    char *file = files_join(path, name);
    struct probe p = {PROBE_OTHER, NULL, NULL};
    int status = CLIPC_ERROR_MEMORY;

    if (file != NULL) {
        (void)probe_file(file, &p);
        status = p.kind == PROBE_SAFETENSORS || p.kind == PROBE_TORCH
                     ? base_fail(CLIPC_ERROR_IO,
                                 "%s: no model.safetensors or pytorch_model.bin in this folder, "
                                 "but %s: name that file",
                                 path, file)
                     : base_fail(CLIPC_ERROR_UNSUPPORTED,
                                 "%s: no model.safetensors in this folder, but %s: %s: %s", path,
                                 name, p.what != NULL ? p.what : "not a file of tensors",
                                 p.what != NULL ? p.advice : "fetch the model again");
    }
    free(file);
    return status;
}

int folder_without_weights(const char *path)
{
    char *hash = snapshot(path), *name = first_entry(path, NULL);
    char *sub = first_entry(path, "model.safetensors");
    int status;

    if (hash != NULL) {
        status = base_fail(CLIPC_ERROR_IO,
                           "%s: a folder of huggingface_hub's cache; the model is %s/snapshots/%s",
                           path, path, hash);
    } else if (name != NULL) {
        status = explain(path, name);
    } else if (sub != NULL) {
        status = base_fail(CLIPC_ERROR_IO,
                           "%s: no model.safetensors in this folder, but in %s/%s: name that one",
                           path, path, sub);
    } else {
        status = base_fail(CLIPC_ERROR_IO,
                           "%s: no model.safetensors or pytorch_model.bin, nor an index of their "
                           "parts, in this folder",
                           path);
    }
    free(hash);
    free(name);
    free(sub);
    return status;
}
