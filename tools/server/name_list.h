/* name_list.h - lists that are one option: "a.example, b.example". */
#ifndef CLIPC_NAME_LIST_H
#define CLIPC_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Is name: [n] one of the list?  Capitals do not matter. */
bool name_list_has(const char *list, const char *name, size_t n);

/* The next name, [*n], or NULL; *rest begins as the list. */
const char *name_list_next(const char **rest, size_t *n);

#endif
