/* html.h - HTML character references, as Python's html.unescape and ftfy's unescape_html read
 * them. */
#ifndef CLIPC_HTML_H
#define CLIPC_HTML_H

#include "unicode.h"

/* html.unescape: numeric and named references, the final ';' often optional; into out. */
void html_unescape(const struct unicode_text *in, struct unicode_text *out);

/* ftfy.fixes.unescape_html: only names of ASCII letters and digits that end in ';'; wholly capital
 * names of lower-case ones count too. */
void html_unescape_ftfy(const struct unicode_text *in, struct unicode_text *out);

/* ---- Tables: names sorted bytewise, name i is html_names[html_starts[i] .. html_starts[i + 1])
 * ---- */
extern const char html_names[];
extern const uint16_t html_starts[];
/* Low 24 bits: the character; bits 24-27: index of a second one in html_seconds, 0 none; bit 31:
 * also valid without ';'. */
extern const uint32_t html_values[], html_seconds[];
extern const size_t html_count;

#endif
