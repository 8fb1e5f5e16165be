/* crc32.h - the CRC-32 of PNG (annex D), gzip and ZIP. */
#ifndef CLIPC_CRC32_H
#define CLIPC_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of p: [n]. */
uint32_t crc32_of(const uint8_t *p, size_t n);
/* Of bytes that have the CRC `before`, and p: [n] behind them; before no bytes it is 0. */
uint32_t crc32_add(uint32_t before, const uint8_t *p, size_t n);

#endif
