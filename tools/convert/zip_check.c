/* zip_check.c - the CRC-32 of a ZIP archive's entries.  PyTorch can be told to write none
 * (torch.serialization.set_crc32_options), and its own reader never looks: then no entry has the
 * right one.  Where one has, the others must. */
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/base/crc32.h"
#include "zip.h"

#define AT_ONCE ((uint64_t)16 << 20) /* of large files the memory would hold all */

static uint32_t crc_of(const struct zip_entry *e, const struct base_map *map)
{
    uint32_t crc = 0;

    for (uint64_t at = 0, n; at < e->bytes; at += n) {
        n = e->bytes - at < AT_ONCE ? e->bytes - at : AT_ONCE;
        crc = crc32_add(crc, e->data + at, (size_t)n);
        base_map_release(map);
    }
    return crc;
}

static int check_entries(const char *path, const struct zip *zip, const struct base_map *map)
{
    const struct zip_entry *wrong = NULL;
    size_t right = 0;
    uint32_t found = 0;

    for (size_t i = 0; i < zip->n; i++) {
        const struct zip_entry *e = &zip->entries[i];
        if (e->method != ZIP_STORED || e->bytes == 0 || (wrong != NULL && right > 0)) {
            continue;
        }
        uint32_t crc = crc_of(e, map);
        if (crc == e->crc) {
            right++;
        } else if (wrong == NULL) {
            wrong = e;
            found = crc;
        }
    }
    return wrong == NULL || right == 0
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_FORMAT,
                           "%s: damaged: '%.*s' has the CRC-32 %08x, and should have %08x: fetch "
                           "the file again",
                           path, (int)(wrong->name_bytes < 100 ? wrong->name_bytes : 100),
                           wrong->name, (unsigned)found, (unsigned)wrong->crc);
}

static int check_file(const char *path)
{
    struct base_map map;
    struct zip zip;
    int status = base_map_file(path, &map);

    if (status != CLIPC_OK) {
        return status;
    }
    if (map.size >= 4 && memcmp(map.data, "PK\3\4", 4) == 0 &&
        (status = zip_open(path, map.data, map.size, &zip)) == CLIPC_OK) {
        status = check_entries(path, &zip, &map);
        zip_close(&zip);
    }
    base_unmap(&map);
    return status;
}

int zip_check(const struct files *files)
{
    int status = CLIPC_OK;

    for (size_t i = 0; i < files->n && status == CLIPC_OK; i++) {
        status = check_file(files->paths[i]);
    }
    return status;
}
