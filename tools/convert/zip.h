/* zip.h - the entries of a ZIP archive that lies in memory, found in place.  Strict: what the
 * archive says of itself twice must agree, and every entry lies within.  Nothing is unpacked. */
#ifndef CLIPC_ZIP_H
#define CLIPC_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "files.h"

enum { ZIP_STORED = 0 }; /* the method of an entry that is not compressed */

struct zip_entry {
    const char *name; /* [name_bytes], in the archive; no 0 behind it */
    size_t name_bytes;
    const unsigned char *data; /* [bytes], as they lie there: the entry itself when it is STORED */
    uint64_t bytes;
    uint32_t method, crc;
};

struct zip {
    struct zip_entry *entries; /* [n], sorted by name */
    size_t n;
};

/* data: [size], which must outlive `zip`.  Archives of several volumes, and encrypted ones, are
 * refused.  0, or a negative clipc_status with nothing to close; messages begin with `what`. */
int zip_open(const char *what, const unsigned char *data, size_t size, struct zip *zip);
void zip_close(struct zip *zip);

/* Has every entry of those files that are archives the CRC-32 that it should have (zip_check.c)?
 * 0, or a negative clipc_status. */
int zip_check(const struct files *files);

/* NULL: none. */
const struct zip_entry *zip_find(const struct zip *zip, const char *name);

#endif
