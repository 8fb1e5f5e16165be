/* The writer of weight files: what it makes, byte for byte, and that nothing which does not open
 * ever gets the target's name. */
#include "../weights/weights.h"
#include "check.h"
#include "config.h"

#if HAVE_JANSSON /* the room `convert` */

#include <dirent.h>

#include "../tools/convert/writer.h"

static char folder[256], target[300];
static struct weights tiny;

/* What is in the folder besides the target. */
static size_t leftovers(void)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        n += e->d_name[0] != '.' && strcmp(e->d_name, "t.clipc") != 0;
    }
    closedir(d);
    return n;
}

static bool target_is(const void *data, size_t n)
{
    struct base_map map;
    bool same =
        base_map_file(target, &map) == CLIPC_OK && map.size == n && memcmp(map.data, data, n) == 0;

    base_unmap(&map);
    return same;
}

static void put_target(const char *text)
{
    FILE *f = fopen(target, "wb");

    fputs(text, f);
    fclose(f);
}

/* The corpus' file once more under `h`, without record `without`. */
static int copy_tiny(const struct format_header *h, const char *without)
{
    struct writer *w;
    int status = writer_new(target, h, &w);

    if (status != CLIPC_OK) {
        return status;
    }
    for (uint32_t i = 0; i < tiny.header.record_count && status == CLIPC_OK; i++) {
        const struct format_record *r = weights_record(&tiny, i);
        status = writer_declare(w, r->name, (enum format_dtype)r->dtype,
                                (enum format_layout)r->layout, r->rows, r->cols, r->flags);
    }
    for (uint32_t i = 0; i < tiny.header.record_count && status == CLIPC_OK; i++) {
        const struct format_record *r = weights_record(&tiny, i);
        if (strcmp(r->name, without) != 0) {
            status = writer_write(w, r->name, weights_data(&tiny, r), r->bytes);
        }
    }
    if (status != CLIPC_OK) {
        writer_abort(w);
        return status;
    }
    return writer_finish(w);
}

static void test_finish(void)
{
    struct format_header h = tiny.header;
    const struct {
        const char *text;
        uint32_t *field, value;
    } bad[] = {{"an epsilon of zero", (uint32_t *)(void *)&h.vision.ln_eps, 0},
               {"a pooling that nothing computes", &h.vision.pool, FORMAT_POOL_LAST},
               {"a padding id outside", &h.pad_id, h.vocab_size},
               {"a layer more than there are tensors", &h.text.layers, 2}};

    check(copy_tiny(&h, "") == CLIPC_OK && target_is(tiny.data, tiny.size),
          "what was read comes out again, byte for byte");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        h = tiny.header;
        *bad[i].field = bad[i].value;
        put_target("old");
        bool failed = copy_tiny(&h, "") != CLIPC_OK;
        check(failed && target_is("old", 3) && leftovers() == 0, "%s: the target is as it was",
              bad[i].text);
        check(strstr(base_errmsg(), target) != NULL && strstr(base_errmsg(), ".part") == NULL,
              "and is named: %s", failed ? base_errmsg() : "no error");
    }
    h = tiny.header;
    check(copy_tiny(&h, "text.00.c_fc.bias") != CLIPC_OK && target_is("old", 3) &&
              leftovers() == 0 && strstr(base_errmsg(), "never written") != NULL,
          "a record that is missing: %s", base_errmsg());
}

static void test_records(void)
{
    static const char floats[256];
    char longest[FORMAT_NAME_BYTES] = "", longer[FORMAT_NAME_BYTES + 1] = "";
    struct writer *w;

    memset(longest, 'x', sizeof longest - 1);
    memset(longer, 'x', sizeof longer - 1);
    if (!check(writer_new(target, &tiny.header, &w) == CLIPC_OK, "a writer")) {
        return;
    }
    check(writer_declare(w, longest, FORMAT_F32, FORMAT_VECTOR, 1, 3, 0) == CLIPC_OK,
          "a name of 55 characters");
    check(writer_declare(w, longer, FORMAT_F32, FORMAT_VECTOR, 1, 3, 0) != CLIPC_OK,
          "one of 56 is refused, not cut");
    check(writer_declare(w, "a", (enum format_dtype)9, FORMAT_ROWS, 1, 1, 0) != CLIPC_OK &&
              writer_declare(w, "b", FORMAT_F32, (enum format_layout)3, 1, 1, 0) != CLIPC_OK &&
              writer_declare(w, "c", FORMAT_F32, FORMAT_VECTOR, 2, 3, 0) != CLIPC_OK &&
              writer_declare(w, "d", FORMAT_U8, FORMAT_PANELS, 2, 3, 0) != CLIPC_OK &&
              writer_declare(w, "e", FORMAT_F32, FORMAT_ROWS, 0, 3, 0) != CLIPC_OK &&
              writer_declare(w, "f", FORMAT_F32, FORMAT_PANELS, UINT32_MAX, 3, 0) != CLIPC_OK,
          "types, layouts and shapes that there are not");
    check(writer_write(w, longest, floats, 12) != CLIPC_OK &&
              writer_write(w, longest, floats, 256) == CLIPC_OK &&
              writer_write(w, longest, floats, 256) != CLIPC_OK,
          "a vector of 3 floats is written once, and as the 64 that it takes");
    writer_abort(w);
    check(leftovers() == 0, "and nothing stays behind");
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s/tests/writer.XXXXXX", check_build());
    if (!check(mkdtemp(folder) != NULL &&
                   weights_open("tests/corpus/weights/tiny", &tiny) == CLIPC_OK,
               "the model is there")) {
        return check_done();
    }
    snprintf(target, sizeof target, "%s/t.clipc", folder);
    test_finish();
    test_records();
    weights_close(&tiny);
    remove(target);
    rmdir(folder);
    return check_done();
}

#else

int main(void)
{
    check_skip("built without jansson: no room `convert`");
    return check_done();
}

#endif
