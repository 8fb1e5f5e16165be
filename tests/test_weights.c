/* Hostile weight files: cut everywhere, each byte of header and records changed, in memory that
 * ends at an unreadable page.  Every one must be refused or be harmless: what opens must also
 * compute. */
#include <errno.h>

#include "../src/clipc.h"
#include "../src/base/base.h"
#include "../weights/format.h"
#include "../weights/weights.h"
#include "check.h"
#include "mini.h"

static unsigned char *file;
static size_t size;

/* Open `n` bytes that end at a guard page; run a session when they open.  1: opened. */
static int try_bytes(const unsigned char *bytes, size_t n)
{
    static float out[CLIPC_MAX_DIM];
    static const int32_t ids[3] = {1, 2, 3};
    size_t padded = (n + 63) / 64 * 64;
    unsigned char *copy = check_guarded(padded, false);
    clipc_model *model;
    clipc_session *session;
    int opened;

    memcpy(copy, bytes, n);
    opened = clipc_open_memory(copy, n, &model) == CLIPC_OK;
    if (opened) {
        struct clipc_options o = {.size = sizeof o, .threads = 1, .batch = 1};
        struct clipc_model_info info = {.size = sizeof info};
        clipc_model_info(model, &info);
        if (info.image_size <= 64 && clipc_session_new(model, &o, &session) == CLIPC_OK) {
            float *pixels =
                calloc((size_t)(3 * info.image_size * info.image_size) + 1, sizeof *pixels);
            clipc_encode_pixels(session, pixels, 1, out);
            clipc_encode_tokens(session, ids, 1, 3, out);
            free(pixels);
            clipc_session_free(session);
        }
        clipc_close(model);
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (padded + page - 1) / page * page;
    munmap(copy + padded - body - page, body + 2 * page);
    return opened;
}

static bool load(const char *path)
{
    struct base_map map;
    if (base_map_file(path, &map) != CLIPC_OK) {
        return false;
    }
    file = malloc(map.size);
    size = map.size;
    memcpy(file, map.data, size);
    base_unmap(&map);
    return true;
}

static void test_cut(void)
{
    size_t opened = 0, step = size / 300 + 1;
    for (size_t n = 0; n < size; n += n < 1024 ? 1 : step) {
        opened += (size_t)try_bytes(file, n);
    }
    check(opened == 0, "cut anywhere: refused");
}

static void test_changed(void)
{
    const struct format_header *h = (const struct format_header *)(void *)file;
    size_t end = h->records_offset + h->record_count * sizeof(struct format_record), opened = 0;
    static const unsigned char flips[] = {0x01, 0x80, 0xff};

    for (size_t i = 0; i < end; i++) {
        for (size_t f = 0; f < 3; f++) {
            file[i] ^= flips[f];
            opened += (size_t)try_bytes(file, size);
            file[i] ^= flips[f];
        }
    }
    /* What may change: hash, names, scale, mean, epsilon, reserved bytes, optional records. */
    check(opened < 3 * end / 2,
          "each byte of header and records changed three ways: %zu of %zu still open, none crash",
          opened, 3 * end);
}

static void put(size_t offset, uint32_t v)
{
    memcpy(file + offset, &v, 4);
}

static void test_fields(void)
{
    static const struct {
        const char *what;
        size_t offset;
        uint32_t value;
    } cases[] = {
        {"an older version", offsetof(struct format_header, version), 1},
        {"a newer version", offsetof(struct format_header, version), 3},
        {"a required feature", offsetof(struct format_header, required_features), 1},
        {"too many records", offsetof(struct format_header, record_count), 1u << 30},
        {"no heads", offsetof(struct format_header, vision.heads), 0},
        {"heads that do not divide", offsetof(struct format_header, vision.heads), 5},
        {"a wide tower", offsetof(struct format_header, text.width), 1u << 31},
        {"many layers", offsetof(struct format_header, text.layers), 100000},
        {"no patches", offsetof(struct format_header, patch_size), 0},
        {"a large picture", offsetof(struct format_header, image_size), 1u << 20},
        {"an unknown pooling", offsetof(struct format_header, text.pool), 7},
        {"an unknown activation", offsetof(struct format_header, vision.activation), 9},
        {"no vocabulary", offsetof(struct format_header, vocab_size), 0},
        {"an end token outside", offsetof(struct format_header, eot_id), 574},
        {"an infinite scale", offsetof(struct format_header, logit_scale), 0x7f800000},
        {"a deviation of zero", offsetof(struct format_header, std), 0},
        {"no towers", offsetof(struct format_header, embed_dim), 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t old;
        memcpy(&old, file + cases[i].offset, 4);
        put(cases[i].offset, cases[i].value);
        bool refused = !try_bytes(file, size);
        check(refused, "%s: %s", cases[i].what, refused ? clipc_errmsg() : "was opened");
        put(cases[i].offset, old);
    }
}

static void test_growth(void)
{
    struct format_header *h = (struct format_header *)(void *)file;
    struct format_record *r = (struct format_record *)(void *)(file + h->records_offset);
    struct format_record old;
    uint32_t i = 0;

    while (strcmp(r[i].name, "provenance") != 0) {
        i++;
    }
    old = r[i];
    strcpy(r[i].name, "something.new");
    r[i].dtype = 77;
    check(try_bytes(file, size) == 1, "an unknown optional record is skipped");
    r[i].flags = FORMAT_REQUIRED;
    check(try_bytes(file, size) == 0, "an unknown required one is refused: %s", clipc_errmsg());
    r[i] = old;
    r[i].offset = r[i - 1].offset;
    check(try_bytes(file, size) == 0, "records that overlap: %s", clipc_errmsg());
    r[i] = old;
    check(try_bytes(file, size) == 1, "and the file itself opens");
    clipc_model *model;
    check(clipc_open_memory(file + 1, size - 1, &model) == CLIPC_ERROR_ARGUMENT,
          "unaligned memory: %s", clipc_errmsg());
}

/* How many of the pages that [at, at + bytes) touches are mapped; -1: the system does not say. */
static long mapped_pages(const unsigned char *at, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)at / page;
    size_t n = ((uintptr_t)at + bytes - 1) / page - first + 1;
    FILE *pagemap = fopen("/proc/self/pagemap", "rb");
    uint64_t entry;
    long mapped = 0;

    for (size_t i = 0; i < n; i++) {
        if (pagemap == NULL || fseek(pagemap, (long)((first + i) * sizeof entry), SEEK_SET) != 0 ||
            fread(&entry, sizeof entry, 1, pagemap) != 1) {
            mapped = -1;
            break;
        }
        mapped += (long)(entry >> 63);
    }
    if (pagemap != NULL) {
        fclose(pagemap);
    }
    return mapped;
}

/* Weights are mapped before the first pass and not by it: some of a file, from within a page to
 * within another, then a whole one. */
static void test_fetch(const char *path)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = 20 * page + 100, n = 3 * page;
    struct base_map map;

    if (!check(base_map_file(path, &map) == CLIPC_OK && map.size > 30 * page, "a file to map")) {
        return;
    }
    base_map_release(&map);
    long before = mapped_pages(map.data, map.size);
    base_map_fetch(map.data + begin, n);
    long some = mapped_pages(map.data + begin, n);
    base_map_fetch(map.data, map.size);
    long all = mapped_pages(map.data, map.size);
#ifdef MADV_POPULATE_READ
    bool can = before >= 0 && (madvise(NULL, 0, MADV_POPULATE_READ) == 0 || errno != EINVAL);
#else
    bool can = false;
#endif
    if (can) {
        check(before == 0 && some == 4 && all == (long)((map.size + page - 1) / page),
              "%ld pages of a file are mapped, then 4 of 4 (%ld), then all (%ld)", before, some,
              all);
    } else {
        check_skip("no MADV_POPULATE_READ, or nobody says what is mapped");
    }
    base_unmap(&map);
}

int main(void)
{
    char path[256];

    if (!mini_model("weights", path) || !check(load(path), "the model is there")) {
        return check_done();
    }
    test_fetch(path);
    test_cut();
    test_fields();
    test_growth();
    test_changed();
    free(file);
    return check_done();
}
