/* test_npy.c - .npy files: hostile headers, and writers that fail halfway.
 * With an argument it is the C half of test_npy.py, which compares with NumPy:
 *     read            of each path (a line of stdin) print the shape and values, or the error
 *     write FOLDER    files of each element type and many shapes, values as value_of() says
 *     stream ROWS     float32 [ROWS, 3] to stdout */
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../src/base/base.h"
#include "../tools/cli/npy.h"
#include "check.h"

static char folder[] = "/tmp/clipc-npy-XXXXXX";

/* ---- The C half of test_npy.py ------------------------------------------------------------- */

static int print_arrays(void)
{
    char path[4096];

    while (fgets(path, sizeof path, stdin) != NULL) {
        struct npy a;
        path[strcspn(path, "\n")] = '\0';
        int status = npy_read(path, &a);
        if (status != CLIPC_OK) {
            printf("error %d %s\n", status, base_errmsg());
            continue;
        }
        printf("%s", a.floats != NULL ? "floats" : "whole");
        for (size_t i = 0; i < a.n_dims; i++) {
            printf(" %zu", a.shape[i]);
        }
        printf(" :");
        for (size_t i = 0; i < a.count; i++) {
            uint32_t bits;
            if (a.floats != NULL) {
                memcpy(&bits, &a.floats[i], sizeof bits);
                printf(" %08x", (unsigned)bits);
            } else {
                printf(" %lld", (long long)a.whole[i]);
            }
        }
        putchar('\n');
        npy_free(&a);
    }
    return 0;
}

/* The i-th element of what the writers write; the float bits wander through NaN, infinity, -0 and
 * subnormals. */
static void value_of(enum npy_type type, uint32_t i, unsigned char *to)
{
    uint32_t x = i * 2654435761u;

    if (type == NPY_U1) {
        *to = (unsigned char)(i * 37);
        return;
    }
    if (type == NPY_F4 && i % 8 == 1) {
        static const uint32_t special[] = {0x7fc00000, 0x7f800000, 0xff800000, 0x80000000,
                                           0x00000001, 0x7f7fffff, 0x00800000};
        x = special[i / 8 % 7];
    } else if (type == NPY_F4) { /* finite: no exponent of all ones */
        x &= 0xbfffffff;
    }
    memcpy(to, &x, sizeof x);
}

static unsigned char *values_of(enum npy_type type, size_t n)
{
    size_t element = type == NPY_U1 ? 1 : 4;
    unsigned char *data = malloc(n * element + 1);

    for (size_t i = 0; data != NULL && i < n; i++) {
        value_of(type, (uint32_t)i, data + i * element);
    }
    return data;
}

static int write_one(const char *to, enum npy_type type, const size_t *shape, size_t n_dims,
                     bool rows)
{
    static const char *const types[] = {"f4", "u1", "i4"};
    char path[4096];
    size_t n = 1, at = 0, element = type == NPY_U1 ? 1 : 4;
    int used = snprintf(path, sizeof path, "%s/%s-%s", to, rows ? "rows" : "whole", types[type]);

    for (size_t i = 0; i < n_dims; i++) {
        n *= shape[i];
        used += snprintf(path + used, sizeof path - (size_t)used, "-%zu", shape[i]);
    }
    snprintf(path + used, sizeof path - (size_t)used, ".npy");
    unsigned char *data = values_of(type, n);
    int status = CLIPC_ERROR_MEMORY;
    if (data != NULL && !rows) {
        status = npy_write(path, type, shape, n_dims, data);
    } else if (data != NULL) { /* the number of rows is known at the end only */
        struct npy_writer *w;
        size_t row = shape[0] == 0 ? 0 : n / shape[0] * element;
        status = npy_open(path, type, 0, shape + 1, n_dims - 1, &w);
        for (; status == CLIPC_OK && at < n * element; at += row) {
            status = npy_append(w, data + at, row);
        }
        if (status == CLIPC_OK) {
            status = npy_close(w, shape[0]);
        }
    }
    free(data);
    return status;
}

static int write_all(const char *to)
{
    static const size_t shapes[][9] = {/* dimensions, then how many */
                                       {1, [8] = 1},
                                       {0, [8] = 1},
                                       {1000003, [8] = 1},
                                       {0, 512, [8] = 2},
                                       {7, 5, [8] = 2},
                                       {3, 0, [8] = 2},
                                       {1234, 512, [8] = 2},
                                       {2, 3, 4, [8] = 3},
                                       {1, 50, 768, [8] = 3},
                                       {2, 3, 4, 5, [8] = 4},
                                       {1, 2, 1, 3, 1, 2, 1, 2, [8] = 8}};
    static const enum npy_type types[] = {NPY_F4, NPY_U1, NPY_I4};

    for (size_t t = 0; t < 3; t++) {
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            for (int rows = 0; rows < 2; rows++) {
                if (write_one(to, types[t], shapes[s], shapes[s][8], rows != 0) != CLIPC_OK) {
                    fprintf(stderr, "%s\n", base_errmsg());
                    return 1;
                }
            }
        }
    }
    return 0;
}

static int write_stream(size_t rows)
{
    const size_t three = 3;
    struct npy_writer *w;
    unsigned char *data = values_of(NPY_F4, 3 * rows);
    int status = data == NULL ? CLIPC_ERROR_MEMORY : npy_open("-", NPY_F4, rows, &three, 1, &w);

    if (status == CLIPC_OK) {
        status = npy_append(w, data, 12 * rows);
        if (status == CLIPC_OK) {
            status = npy_close(w, rows);
        } else {
            npy_abort(w);
        }
    }
    free(data);
    if (status != CLIPC_OK) {
        fprintf(stderr, "%s\n", base_errmsg());
    }
    return status != CLIPC_OK;
}

/* ---- Hostile files ------------------------------------------------------------------------- */

static const char *in_folder(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* A file of these bytes, then `zeros` zeros. */
static const char *put(const char *name, const void *bytes, size_t n, size_t zeros)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(bytes, 1, n, f) != n) {
        perror(path);
        exit(2);
    }
    for (size_t i = 0; i < zeros; i++) {
        putc(0, f);
    }
    fclose(f);
    return path;
}

/* A file of format version 1 with this header text, and `zeros` bytes of data. */
static const char *put_header(const char *text, size_t zeros)
{
    unsigned char bytes[4096] = "\x93NUMPY\1";
    size_t n = strlen(text);

    bytes[8] = (unsigned char)n;
    bytes[9] = (unsigned char)(n >> 8);
    memcpy(bytes + 10, text, n);
    return put("h.npy", bytes, 10 + n, zeros);
}

/* npy_read must refuse it, name it first, and hand back nothing to free. */
static void refused(const char *path, const char *what)
{
    struct npy a;
    size_t n = strlen(path);
    int status = npy_read(path, &a);
    bool clean = status < 0 && a.floats == NULL && a.whole == NULL;

    check(clean && strncmp(base_errmsg(), path, n) == 0 && base_errmsg()[n] == ':' &&
              strlen(base_errmsg()) > n + 10,
          "refused: %s (%s)", what, status == CLIPC_OK ? "it was read" : base_errmsg() + n);
    if (status == CLIPC_OK) {
        npy_free(&a);
    }
}

static void test_headers(void)
{
    static const struct {
        const char *what, *text;
        size_t zeros;
    } bad[] = {
        {"no dictionary", "hello", 64},
        {"an empty header", "", 64},
        {"no shape", "{'descr': '<f4', 'fortran_order': False}", 64},
        {"no order", "{'descr': '<f4', 'shape': (2,)}", 64},
        {"no type", "{'fortran_order': False, 'shape': (2,)}", 64},
        {"a shape without end", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, ", 64},
        {"a header that ends at a key", "{'descr': '<f4', 'fortran_order': False, 'shape", 64},
        {"a header that ends behind a key", "{'descr': '<f4', 'fortran_order': False, 'shape'", 64},
        {"a header that ends at the colon",
         "{'descr': '<f4', 'fortran_order': False, 'shape':", 64},
        {"a type that is cut", "{'shape': (2,), 'fortran_order': False, 'descr': '", 64},
        {"a type without number", "{'descr': '<f', 'fortran_order': False, 'shape': (2,)}", 64},
        {"a type of no size", "{'descr': '<f0', 'fortran_order': False, 'shape': (2,)}", 64},
        {"a type of size 3", "{'descr': '<i3', 'fortran_order': False, 'shape': (2,)}", 64},
        {"a float of one byte", "{'descr': '<f1', 'fortran_order': False, 'shape': (2,)}", 64},
        {"a float of 16 bytes", "{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", 64},
        {"big endian", "{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", 64},
        {"column-major order", "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}", 64},
        {"an object array", "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 64},
        {"fields", "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 64},
        {"a negative dimension", "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 64},
        {"a negative dimension behind a tab",
         "{'descr': '<f4', 'fortran_order': False, 'shape': (\t-2,)}", 64},
        {"a dimension beyond 64 bits",
         "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 64},
        {"a product beyond 64 bits",
         "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 64},
        {"a product that wraps to 4",
         "{'descr': '|u1', 'fortran_order': False, 'shape': (8589934592, 8589934592, 4)}", 64},
        {"bytes that wrap",
         "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693953,)}", 64},
        {"nine dimensions",
         "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}", 64},
        {"words as shape", "{'descr': '<f4', 'fortran_order': False, 'shape': (two,)}", 64},
        {"a list as shape", "{'descr': '<f4', 'fortran_order': False, 'shape': [2]}", 64},
        {"8 GB that are not there",
         "{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000,)}", 64},
        {"one byte too few", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", 15},
        {"one value too few", "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", 7},
        {"no data", "{'descr': '<i8', 'fortran_order': False, 'shape': ()}", 0},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refused(put_header(bad[i].text, bad[i].zeros), bad[i].what);
    }
}

static void test_other_files(void)
{
    static const char deep[] = "\x93NUMPY\2\0\xff\xff\xff\x7f{'descr': '<f4'";

    refused(put("e.npy", "", 0, 0), "an empty file");
    refused(put("t.npy", "1.5 2.5\n", 8, 0), "a text");
    refused(put("z.npy", "PK\3\4", 4, 200), "an archive");
    refused(put("z.npy", "\x93NUMPY", 6, 0), "the magic alone");
    refused(put("z.npy", "\x93NUMPY\1", 7, 1), "no length of the header");
    refused(put("z.npy", "\x93NUMPY\0\0\4\0()  ", 14, 64), "format version 0");
    refused(put("z.npy", "\x93NUMPY\4\0\4\0\0\0()  ", 16, 64), "format version 4");
    refused(put("z.npy", "\x93NUMPY\1\0\xff\xff", 10, 64), "a header longer than the file");
    refused(put("z.npy", deep, sizeof deep - 1, 64), "a header of 2 GB");
    refused(in_folder("none.npy"), "no such file");
    refused(folder, "a folder");
}

/* Every prefix of a good file is refused; the whole file is read. */
static void test_cut(void)
{
    static const float values[6] = {1, -2, 3, -4, 5, -6};
    static const size_t shape[2] = {2, 3};
    unsigned char *data;
    size_t size, early = 0;
    struct npy a;
    const char *path = in_folder("whole.npy");

    if (!check(npy_write(path, NPY_F4, shape, 2, values) == CLIPC_OK &&
                   base_read_file(path, 1 << 20, &data, &size) == CLIPC_OK,
               "write and read back")) {
        return;
    }
    check(size == 128 + sizeof values, "the header takes 128 bytes: NumPy wants a multiple of 64");
    for (size_t n = 0; n < size; n++) {
        int status = npy_read(put("cut.npy", data, n, 0), &a);
        early += status < 0;
        if (status == CLIPC_OK) {
            npy_free(&a);
        }
    }
    check(early == size, "cut anywhere it is refused: %zu of %zu", early, size);
    int status = npy_read(put("cut.npy", data, size, 0), &a);
    check(status == CLIPC_OK && a.n_dims == 2 && a.shape[0] == 2 && a.shape[1] == 3 &&
              a.count == 6 && a.whole == NULL && memcmp(a.floats, values, sizeof values) == 0,
          "uncut it is read");
    npy_free(&a);
    base_free(data);
}

/* ---- Writers that fail --------------------------------------------------------------------- */

/* Files in the folder whose name contains ".part". */
static size_t count_parts(void)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        n += strstr(e->d_name, ".part") != NULL;
    }
    if (d != NULL) {
        closedir(d);
    }
    return n;
}

static void test_no_place(void)
{
    static const size_t three = 3;
    char path[4096];
    struct npy_writer *w = NULL;

    snprintf(path, sizeof path, "%s/none/a.npy", folder);
    check(npy_open(path, NPY_F4, 0, &three, 1, &w) < 0 && strstr(base_errmsg(), path) != NULL,
          "no such folder: %s", base_errmsg());
    snprintf(path, sizeof path, "%s/folder.npy", folder);
    mkdir(path, 0777);
    int status = npy_open(path, NPY_F4, 0, &three, 1, &w);
    if (status == CLIPC_OK) {
        status = npy_close(w, 0);
    }
    check(status < 0 && strstr(base_errmsg(), path) != NULL && count_parts() == 0,
          "a folder in the way: %s", base_errmsg());
    rmdir(path);
    status = npy_open(in_folder("aborted.npy"), NPY_F4, 0, &three, 1, &w);
    check(status == CLIPC_OK && count_parts() == 1, "a file in the making has another name");
    npy_abort(w);
    check(count_parts() == 0 && access(in_folder("aborted.npy"), F_OK) != 0,
          "abort leaves nothing");
    npy_abort(NULL);
}

/* The disk is full after `limit` bytes (as RLIMIT_FSIZE makes it).  Whatever the caller does then,
 * the file that was there before stays. */
static void test_full_disk(rlim_t limit)
{
    static const size_t width = 512;
    static float row[512];
    struct rlimit old, small;
    struct npy_writer *w = NULL;
    unsigned char *data = NULL;
    size_t size = 0, rows = 0;
    const char *path = put("kept.npy", "precious", 8, 0);

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = limit;
    setrlimit(RLIMIT_FSIZE, &small);
    int status = npy_open(path, NPY_F4, 0, &width, 1, &w), appended = status;
    while (appended == CLIPC_OK && rows < 100) {
        appended = npy_append(w, row, sizeof row);
        rows++;
    }
    if (status == CLIPC_OK) {
        status = npy_close(w, rows);
    }
    setrlimit(RLIMIT_FSIZE, &old);
    check(status < 0 && strstr(base_errmsg(), "kept.npy") != NULL,
          "disk full at %zu bytes, append %s: close fails too (%s)", (size_t)limit,
          appended < 0 ? "failed" : "succeeded", status < 0 ? base_errmsg() : "it did not");
    check(base_read_file(path, 1 << 20, &data, &size) == CLIPC_OK && size == 8 &&
              memcmp(data, "precious", 8) == 0 && count_parts() == 0,
          "disk full at %zu bytes: the old file is kept, no other is left", (size_t)limit);
    base_free(data);
}

static void test_shapes_too_long(void)
{
    static const size_t ones[NPY_MAX_DIMS + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const size_t huge[7] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX,
                                   SIZE_MAX, SIZE_MAX, SIZE_MAX};
    struct npy_writer *w = NULL;

    check(npy_open(in_folder("nine.npy"), NPY_F4, 1, ones, NPY_MAX_DIMS, &w) < 0,
          "nine dimensions are not written");
    check(npy_open(in_folder("huge.npy"), NPY_F4, 1, huge, 7, &w) < 0 && count_parts() == 0,
          "nor rows of more bytes than can be counted");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return strcmp(argv[1], "read") == 0    ? print_arrays()
               : strcmp(argv[1], "write") == 0 ? write_all(argv[2])
                                               : write_stream((size_t)atol(argv[2]));
    }
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 2;
    }
    test_headers();
    test_other_files();
    test_cut();
    test_no_place();
    test_full_disk(64);
    test_full_disk(10000);
    test_full_disk(128 + 4096);
    test_shapes_too_long();

    char remove[64];
    snprintf(remove, sizeof remove, "rm -r %s", folder);
    check(system(remove) == 0, "clean up");
    return check_done();
}
