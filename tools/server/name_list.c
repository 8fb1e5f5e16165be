/* name_list.c - names between commas and blanks. */
#include "name_list.h"

#include <string.h>
#include <strings.h>

const char *name_list_next(const char **rest, size_t *n)
{
    const char *name = *rest + strspn(*rest, ", ");

    *n = strcspn(name, ", ");
    *rest = name + *n;
    return *n > 0 ? name : NULL;
}

bool name_list_has(const char *list, const char *name, size_t n)
{
    const char *one;
    size_t length;

    while ((one = name_list_next(&list, &length)) != NULL) {
        if (length == n && strncasecmp(one, name, n) == 0) {
            return true;
        }
    }
    return false;
}
