/* columns.h - how wide a terminal shows a character. */
#ifndef CLIPC_COLUMNS_H
#define CLIPC_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/token/unicode.h"

/* 0 for marks that stand on the character before and for what is not seen, 2 for what Unicode's
 * EastAsianWidth.txt calls wide or full width, else 1. */
size_t columns_of(uint32_t c);

/* ---- Tables (columns_tables.c, written by tools/unicode/make_tables.py) -------------------- */
extern const struct unicode_range columns_none[], columns_wide[];
extern const size_t columns_none_count, columns_wide_count;

#endif
