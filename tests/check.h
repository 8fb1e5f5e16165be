/* check.h - the test kit: TAP lines for prove, random numbers, buffers that end at a guard page.
 *
 * A test program runs from the top of the tree, prints "ok"/"not ok" lines through check() and ends
 * with `return check_done();`.  $CLIPC_BUILD names the build folder (else "build"), $CLIPC_GOLDEN
 * the reference vectors; a test that needs them and has none calls check_skip() with the reason. */
#ifndef CLIPC_CHECK_H
#define CLIPC_CHECK_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int check_count, check_failed;

__attribute__((format(printf, 2, 3), unused)) static bool check(bool good, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    printf("%s %d - ", good ? "ok" : "not ok", ++check_count);
    vprintf(format, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
    check_failed += !good;
    return good;
}

/* One case that cannot run here, and why. */
__attribute__((format(printf, 1, 2), unused)) static void check_skip(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    printf("ok %d # SKIP ", ++check_count);
    vprintf(format, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
}

__attribute__((unused)) static int check_done(void)
{
    printf("1..%d\n", check_count);
    return check_failed != 0;
}

__attribute__((unused)) static const char *check_build(void)
{
    const char *dir = getenv("CLIPC_BUILD");
    return dir != NULL && *dir != '\0' ? dir : "build";
}

__attribute__((unused)) static const char *check_golden(void)
{
    const char *dir = getenv("CLIPC_GOLDEN");
    return dir != NULL && *dir != '\0' ? dir : NULL;
}

/* splitmix64: the same numbers on every machine. */
__attribute__((unused)) static uint64_t check_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in [-1, 1). */
__attribute__((unused)) static float check_uniform(uint64_t *state)
{
    return (float)((double)(check_random(state) >> 11) * 0x1p-52 - 1.0);
}

/* `bytes` bytes whose end (or, with `before`, whose start) touches an unreadable page.  Never
 * freed: a test is short.  The end is exact; alignment is what `bytes` gives it.  With
 * $CLIPC_CHECK_UNGUARDED the pages stay readable: qemu 7.2 reads whole vectors for AVX's masked
 * loads, which real CPUs do not. */
__attribute__((unused)) static void *check_guarded(size_t bytes, bool before)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (bytes + page - 1) / page * page + (bytes == 0 ? page : 0);
    unsigned char *p =
        mmap(NULL, body + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int guard = getenv("CLIPC_CHECK_UNGUARDED") != NULL ? PROT_READ : PROT_NONE;
    if (p == MAP_FAILED || mprotect(p, page, guard) != 0 ||
        mprotect(p + page + body, page, guard) != 0) {
        perror("mmap");
        exit(2);
    }
    return before ? p + page : p + page + body - bytes;
}

#endif
