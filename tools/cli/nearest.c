/* nearest.c - edit distance with swaps of neighbours (optimal string alignment: Damerau 1964,
 * Levenshtein 1966), for words that people mistype. */
#include "nearest.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST = 31 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits (a letter inserted, dropped or changed, or two neighbours swapped) that turn a into b; of
 * longer words than 31 letters the result is SIZE_MAX. */
static size_t distance_of(const char *a, const char *b)
{
    size_t rows[LONGEST + 1][LONGEST + 1], n = strlen(a), m = strlen(b);

    if (n > LONGEST || m > LONGEST) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            size_t changed = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            rows[i][j] = smaller(changed, 1 + smaller(rows[i - 1][j], rows[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                rows[i][j] = smaller(rows[i][j], 1 + rows[i - 2][j - 2]);
            }
        }
    }
    return rows[n][m];
}

void nearest_try(struct nearest *best, const char *name)
{
    size_t length = strlen(best->typed), distance = distance_of(best->typed, name);
    size_t allowed = length < 3 ? length - (length > 0) : (length + 2) / 3;

    if (length >= 3 && strncmp(name, best->typed, length) == 0) {
        distance = smaller(distance, 1);
    }
    if (distance <= allowed && (best->name == NULL || distance < best->distance)) {
        best->name = name;
        best->distance = distance;
    }
}
