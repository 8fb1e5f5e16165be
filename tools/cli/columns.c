/* columns.c - how wide a terminal shows a character, without the locale that wcwidth wants. */
#include "columns.h"

size_t columns_of(uint32_t c)
{
    return unicode_in_ranges(columns_none, columns_none_count, c)   ? 0
           : unicode_in_ranges(columns_wide, columns_wide_count, c) ? 2
                                                                    : 1;
}
