/* ass.c - opens libass. */
#include "ass.h"

#include "lazy.h"

#define NAME(f) "ass_" #f,

struct lazy_ass libass;

int lazy_ass(void)
{
    static const char *const names[] = {"libass.so.9", "libass.so", NULL};
    static const char *const functions[] = {LAZY_ASS(NAME)};
    static const struct lazy lazy = {names, functions, sizeof functions / sizeof functions[0],
                                     "libass9"};

    return lazy_open(&lazy, &libass);
}
