/* clean.h - what a text becomes before it is cut into words, by the rules of its reference. */
#ifndef CLIPC_CLEAN_H
#define CLIPC_CLEAN_H

#include "../../weights/format.h"
#include "unicode.h"

/* FORMAT_OPENAI: ftfy.fix_text but for its repair of mojibake, html.unescape twice, white space,
 * str.lower.  FORMAT_HF: NFC, white space, lower case letter by letter.  In place; text->failed
 * when memory ran out. */
void clean_text(struct unicode_text *text, enum format_rules rules);

/* OpenCLIP's cleaning around tokenizers of others, as the bits of FORMAT_CLEAN_FLAGS say, of text:
 * [n] any bytes.  UTF-8: [*length], malloc; NULL: out of memory. */
char *clean_open_clip(const char *text, size_t n, uint32_t flags, size_t *length);

#endif
