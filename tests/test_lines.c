/* The reader of lists: what is a line, whatever pieces it comes in, and when it is there. */
#include <fcntl.h>

#include "../src/clipc.h"
#include "../tools/cli/lines.h"
#include "check.h"

static char path[4096];

/* A list of these bytes, as a file. */
static struct lines *of_file(const char *bytes, size_t n, enum lines_kind kind)
{
    struct lines *l = NULL;
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0 || lines_open(path, kind, &l)) {
        perror(path);
        exit(2);
    }
    return l;
}

/* Do the lines read from l equal `want`, n of them? */
static bool gives(struct lines *l, const char *const *want, size_t n)
{
    const char *line;
    size_t length, i = 0;
    int got;

    while ((got = lines_next(l, &line, &length)) == 1) {
        if (i == n || strlen(want[i]) != length || memcmp(line, want[i], length + 1) != 0) {
            printf("# line %zu: '%s'\n", i, line);
            return false;
        }
        i++;
    }
    return got == 0 && i == n;
}

#define GIVES(what, kind, text, ...)                                                               \
    do {                                                                                           \
        static const char *const want_[] = {"", __VA_ARGS__};                                      \
        struct lines *l_ = of_file(text, sizeof text - 1, kind);                                   \
        check(gives(l_, want_ + 1, sizeof want_ / sizeof *want_ - 1), what);                       \
        lines_close(l_);                                                                           \
    } while (0)

static void test_kinds(void)
{
    GIVES("line ends, the last without one", LINES_TEXTS, "one\ntwo\r\nthree", "one", "two",
          "three");
    GIVES("blank lines are no texts", LINES_TEXTS, "\n\none\n \t\r\n\xc2\xa0\n\xe3\x80\x80two\n\n",
          "one", "two");
    GIVES("white space around a text", LINES_TEXTS,
          "\t a  b \v\f\n\xe2\x80\xa8x\xe2\x80\x89\n\x1fz\x1c\n\xc2\x85y\xe1\x9a\x80", "a  b", "x",
          "z", "y");
    GIVES("what only looks like white space stays", LINES_TEXTS,
          "\xa0\n\x80\xa0\n\xe2\x80\x8b\n\xc0\xa0\n\xe0\x80\xa0\na\xe2\x80", "\xa0", "\x80\xa0",
          "\xe2\x80\x8b", "\xc0\xa0", "\xe0\x80\xa0", "a\xe2\x80");
    GIVES("a byte order mark is no text", LINES_TEXTS, "\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", "one",
          "\xef\xbb\xbftwo");
    GIVES("nothing but a byte order mark", LINES_TEXTS, "\xef\xbb\xbf", );
    GIVES("part of a mark is none", LINES_PATHS, "\xef\xbb", "\xef\xbb");
    GIVES("a mark is no path, nor is CR", LINES_PATHS, "\xef\xbb\xbf a.png \r\n\n\tb\r\r\n-",
          " a.png ", "\tb\r", "-");
    GIVES("paths between NULs are taken as they are", LINES_PATHS0,
          "\xef\xbb\xbf"
          "a\nb\r\0\0c\r\n\0d\r",
          "\xef\xbb\xbf"
          "a\nb\r",
          "c\r\n", "d\r");
    GIVES("an empty list", LINES_TEXTS, "", );
    struct lines *l = of_file("a\0 b\0\n", 6, LINES_TEXTS);
    const char *line;
    size_t length;
    check(lines_next(l, &line, &length) == 1 && length == 5 && memcmp(line, "a\0 b\0", 6) == 0,
          "zeros are characters of a text");
    lines_close(l);
}

static void test_errors(void)
{
    static const char wide[] = "\xff\xfe"
                               "o\0n\0e\0\n";
    struct lines *l = of_file(wide, sizeof wide, LINES_TEXTS);
    const char *line;
    size_t length, n = (16 << 20) + 100000;
    char *text = malloc(2 * n);

    check(lines_next(l, &line, &length) == CLIPC_ERROR_UNSUPPORTED &&
              strstr(clipc_errmsg(), "UTF-16") != NULL && lines_next(l, &line, &length) == 0,
          "UTF-16 is refused by name: %s", clipc_errmsg());
    lines_close(l);
    memset(text, 'x', 2 * n);
    memcpy(text, "a\n", 2);
    memcpy(text + 2 * n - 5, "\nb\nc", 4);
    l = of_file(text, 2 * n - 1, LINES_TEXTS);
    check(lines_next(l, &line, &length) == 1 &&
              lines_next(l, &line, &length) == CLIPC_ERROR_LIMIT &&
              strstr(clipc_errmsg(), "line 2 ") != NULL && lines_next(l, &line, &length) == 1 &&
              length == 1 && line[0] == 'b' && lines_number(l) == 3 &&
              lines_next(l, &line, &length) == 1 && line[0] == 'c' &&
              lines_next(l, &line, &length) == 0,
          "a line of more than 16 MiB is one error among good lines");
    lines_close(l);
    text[n] = '\n';
    l = of_file(text + 2, n - 1, LINES_TEXTS);
    check(lines_next(l, &line, &length) == CLIPC_ERROR_LIMIT && lines_next(l, &line, &length) == 0,
          "and so at the end");
    lines_close(l);
    free(text);
    check(lines_open("/no/such/list", LINES_TEXTS, &l) == CLIPC_ERROR_IO &&
              strstr(clipc_errmsg(), "/no/such/list: ") != NULL,
          "no file: %s", clipc_errmsg());
    check(lines_open("/", LINES_TEXTS, &l) == CLIPC_OK &&
              lines_next(l, &line, &length) == CLIPC_ERROR_IO && lines_next(l, &line, &length) == 0,
          "a folder is no list");
    lines_close(l);
}

/* A byte at a time through a pipe: each line is given when its end has come, and not before. */
static void test_ready(void)
{
    static const char text[] = "\xef\xbb\xbfone\r\n\n two \nthree";
    struct lines *l = NULL;
    const char *line;
    size_t length, given = 0;
    bool early = false;
    int ends[2];

    if (pipe(ends) != 0) {
        perror("pipe");
        exit(2);
    }
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    if (lines_open(path, LINES_TEXTS, &l) != CLIPC_OK) {
        check_skip("no /dev/fd: %s", clipc_errmsg());
        return;
    }
    for (size_t i = 0; i < sizeof text - 1; i++) {
        early |= lines_ready(l);
        if (write(ends[1], text + i, 1) != 1) {
            perror("write");
        }
        if (text[i] == '\n' && i != 8) {
            bool good = lines_ready(l) && lines_next(l, &line, &length) == 1 &&
                        strcmp(line, given == 0 ? "one" : "two") == 0;
            check(good, "line %zu is there with its end", ++given);
        }
    }
    check(!early, "and not before, nor is a blank line one to come");
    close(ends[1]);
    check(lines_ready(l) && lines_next(l, &line, &length) == 1 && strcmp(line, "three") == 0 &&
              lines_ready(l) && lines_next(l, &line, &length) == 0,
          "the last at the end of the list");
    lines_close(l);
    close(ends[0]);
}

int main(void)
{
    snprintf(path, sizeof path, "%s/test_lines.%ld", check_build(), (long)getpid());
    test_kinds();
    test_errors();
    unlink(path);
    test_ready();
    return check_done();
}
