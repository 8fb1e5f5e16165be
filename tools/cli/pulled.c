/* pulled.c - short names of well-known models, and the folder where pulled ones lie. */
#include "pulled.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nearest.h"

const struct pulled_known pulled_known[] = {
    {"vit-b-32", "openai/clip-vit-base-patch32"},
    {"vit-b-16", "openai/clip-vit-base-patch16"},
    {"vit-l-14", "openai/clip-vit-large-patch14"},
    {"vit-l-14-336", "openai/clip-vit-large-patch14-336"},
    {"laion-b-32", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"},
    {"laion-b-16", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K"},
    {"laion-l-14", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K"},
    {"laion-h-14", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"},
    {"laion-g-14", "laion/CLIP-ViT-g-14-laion2B-s34B-b88K"},
    {"laion-bigg-14", "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k"},
    {"datacomp-b-32", "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K"},
    {"datacomp-b-32-256", "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"},
    {"datacomp-b-16", "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K"},
    {"datacomp-l-14", "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K"},
    {"metaclip-b-32", "facebook/metaclip-b32-400m"},
    {"metaclip-b-16", "facebook/metaclip-b16-fullcc2.5b"},
    {"metaclip-l-14", "facebook/metaclip-l14-fullcc2.5b"},
    {"metaclip-h-14", "facebook/metaclip-h14-fullcc2.5b"},
    {"dfn-b-16", "apple/DFN2B-CLIP-ViT-B-16"},
    {"dfn-l-14", "apple/DFN2B-CLIP-ViT-L-14"},
    {"dfn-h-14", "apple/DFN5B-CLIP-ViT-H-14"},
    {"tinyclip-8m", "wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M"},
    {"siglip-b-16", "google/siglip-base-patch16-224"},
    {"siglip-b-16-384", "google/siglip-base-patch16-384"},
    {"siglip-l-16-256", "google/siglip-large-patch16-256"},
    {"siglip-so400m-14-384", "google/siglip-so400m-patch14-384"},
    {"siglip2-b-16", "google/siglip2-base-patch16-224"},
    {"siglip2-l-16-256", "google/siglip2-large-patch16-256"},
    {"siglip2-so400m-14-384", "google/siglip2-so400m-patch14-384"},
    {NULL, NULL},
};

enum { LONGEST_PART = 96 }; /* of owner and name, the hub's own limit */

/* In small letters and with dashes: OpenAI's "ViT-L/14@336px" is vit-l-14-336. */
static void fold(const char *text, size_t n, char *out, size_t room)
{
    size_t i = 0;

    n -= n > 4 && strncmp(text + n - 4, "36px", 4) == 0 ? 2 : 0;
    for (; i < n && i + 1 < room; i++) {
        out[i] = strchr("/@", text[i]) != NULL ? '-' : (char)tolower((unsigned char)text[i]);
    }
    out[i] = '\0';
}

static const char *repository_of(const char *text, size_t n)
{
    char folded[64];

    fold(text, n, folded, sizeof folded);
    for (const struct pulled_known *k = pulled_known; k->name != NULL; k++) {
        if (n < sizeof folded && strcmp(folded, k->name) == 0) {
            return k->repository;
        }
    }
    return NULL;
}

static bool is_plain(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c > 127 || (!isalnum(c) && strchr("._-", c) == NULL)) {
            return false;
        }
    }
    return n > 0 && n <= LONGEST_PART && text[0] != '.' && text[0] != '-';
}

bool pulled_is_revision(const char *text)
{
    size_t n = strlen(text);

    for (const char *part = text; n < sizeof((struct pulled_name *)0)->revision;) {
        size_t length = strcspn(part, "/");
        if (!is_plain(part, length)) {
            return false;
        }
        if (part[length] == '\0') {
            return true;
        }
        part += length + 1;
    }
    return false;
}

bool pulled_parse(const char *text, struct pulled_name *name)
{
    size_t n = strcspn(text, "@"), owner = strcspn(text, "/");
    const char *known = repository_of(text, strlen(text)); /* "ViT-L/14@336px" */

    memset(name, 0, sizeof *name);
    if (known == NULL && text[n] == '@') {
        if (!pulled_is_revision(text + n + 1)) {
            return false;
        }
        strcpy(name->revision, text + n + 1);
    }
    known = known != NULL ? known : repository_of(text, n);
    if (known != NULL) {
        strcpy(name->repository, known);
        return true;
    }
    if (n > 6 && strncmp(text + n - 6, ".clipc", 6) == 0) {
        return false; /* OWNER/NAME.clipc is a file of ours */
    }
    if (owner >= n || !is_plain(text, owner) || !is_plain(text + owner + 1, n - owner - 1)) {
        return false;
    }
    memcpy(name->repository, text, n);
    return true;
}

const char *pulled_nearest(const char *text)
{
    char folded[64];
    struct nearest best = {.typed = folded};

    fold(text, strcspn(text, "@"), folded, sizeof folded);
    for (const struct pulled_known *k = pulled_known; k->name != NULL; k++) {
        nearest_try(&best, k->name);
    }
    return best.name;
}

/* "%s/%s" into PATH_MAX bytes, or nothing. */
static bool join(char path[PATH_MAX], const char *folder, const char *name)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);

    return n > 0 && n < PATH_MAX;
}

bool pulled_cache(char path[PATH_MAX])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (cache != NULL &&
        cache[0] == '/') { /* a relative one is not to be used, says its standard */
        return join(path, cache, "clipc");
    }
    return home != NULL && home[0] == '/' && join(path, home, ".cache/clipc");
}

bool pulled_path(const struct pulled_name *name, const char *ending, char path[PATH_MAX])
{
    char cache[PATH_MAX], last[sizeof name->repository + 3 * sizeof name->revision + 16];
    size_t n = (size_t)snprintf(last, sizeof last, "%s%s", name->repository,
                                name->revision[0] != '\0' ? "@" : "");

    for (const char *p = name->revision; *p != '\0'; p++) { /* refs/pr/1 is no folder of ours */
        n += (size_t)snprintf(last + n, sizeof last - n, *p == '/' ? "%%2F" : "%c", *p);
    }
    snprintf(last + n, sizeof last - n, "%s", ending);
    return pulled_cache(cache) && join(path, cache, last);
}

bool pulled_find(const char *text, char path[PATH_MAX])
{
    struct pulled_name name;

    return access(text, F_OK) != 0 && pulled_parse(text, &name) &&
           pulled_path(&name, ".clipc", path) && access(path, R_OK) == 0;
}
