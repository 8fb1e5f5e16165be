/* kind.h - names for picture files that clipc does not read. */
#ifndef CLIPC_KIND_H
#define CLIPC_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a file that no decoder of any build takes begins like: "HEIC", "TIFF", "PDF"; NULL when that
 * is not known.  *picture: whether it is a picture at all (a PDF is a document). */
const char *kind_name(const uint8_t *bytes, size_t n, bool *picture);

/* Are these the bytes of a text (none of them, too)?  UTF-8's are.  For magics that are letters. */
bool kind_is_all_text(const uint8_t *bytes, size_t n);

#endif
