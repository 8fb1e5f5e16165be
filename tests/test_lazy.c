/* test_lazy.c - libraries that are opened when they are wanted: a table is filled once, whoever asks
 * again and while others are in its functions; what is missing is named. */
#include "../src/base/base.h"
#include "../tools/lazy/lazy.h"
#include "check.h"

struct table {
    double (*cosine)(double);
    double (*sine)(double);
};

static double minus(double x)
{
    return -x;
}

int main(void)
{
    static const char *const names[] = {"no-such-library.so.1", "libm.so.6", "libm.so", NULL};
    static const char *const functions[] = {"cos", "sin"}, *const odd[] = {"cos", "no_such_f"};
    const struct lazy lazy = {names, functions, 2, "package"}, lacking = {names, odd, 2, "package"};
    static const char *const none[] = {"no-such-library.so.1", NULL};
    const struct lazy missing = {none, functions, 2, "package"};
    struct table table = {NULL, NULL};

    if (lazy_open(&lazy, &table) != CLIPC_OK) {
        check_skip("there is no libm.so here");
        return check_done();
    }
    check(table.cosine(0) == 1 && table.sine(0) == 0, "the second name's library, its functions");
    table.cosine = minus;
    check(lazy_open(&lazy, &table) == CLIPC_OK && table.cosine == minus && table.sine(0) == 0,
          "a table that is filled is not written again");
    table = (struct table){NULL, NULL};
    check(lazy_open(&lacking, &table) == CLIPC_ERROR_UNSUPPORTED &&
              strstr(clipc_errmsg(), "no_such_f") != NULL && strstr(clipc_errmsg(), "package"),
          "a function that it has not: %s", clipc_errmsg());
    check(lazy_open(&lazy, &table) == CLIPC_OK && table.cosine(0) == 1 && table.sine(0) == 0,
          "after a failure the table can be filled");
    table = (struct table){NULL, NULL};
    check(lazy_open(&missing, &table) == CLIPC_ERROR_UNSUPPORTED &&
              strstr(clipc_errmsg(), "install package") != NULL,
          "no library: %s", clipc_errmsg());
    return check_done();
}
