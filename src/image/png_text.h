/* png_text.h - the texts that a PNG carries beside its pixels (chunks tEXt, zTXt, iTXt). */
#ifndef CLIPC_PNG_TEXT_H
#define CLIPC_PNG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is a chunk of this kind and body [length] a text of `keyword`? */
bool png_text_is(const uint8_t kind[4], const uint8_t *body, size_t length, const char *keyword);

/* The text of `keyword` in one chunk of this kind and body [length], unpacked: base_alloc, *n bytes
 * and a 0 behind them.  NULL: another keyword, damaged, or packed and longer than 1 MiB (Pillow's
 * MAX_TEXT_CHUNK). */
char *png_text(const uint8_t kind[4], const uint8_t *body, size_t length, const char *keyword,
               size_t *n);

#endif
