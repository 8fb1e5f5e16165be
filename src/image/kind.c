/* kind.c - pictures that clipc does not read, told by their first bytes, so that a message can name
 * them and a walk over a folder does not pass them over in silence.  The magics are those of the
 * formats' own specifications; a letter or two is never enough where a text could begin so. */
#include "kind.h"

#include <string.h>

bool kind_is_all_text(const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n &&
           ((p[i] >= 0x20 && p[i] != 0x7f) || p[i] == '\t' || p[i] == '\n' || p[i] == '\r')) {
        i++;
    }
    return i == n;
}

struct magic {
    const char *name;
    size_t at;
    const char *bytes;
    size_t n;
    bool picture;
    bool binary; /* a byte that no text has must be among the eight behind the magic */
};

static const struct magic magics[] = {
    {"JPEG XL", 0, "\0\0\0\x0cJXL \r\n\x87\n", 12, true, false},
    {"JPEG XL", 0, "\xff\x0a", 2, true, false},
    {"JPEG 2000", 0, "\0\0\0\x0cjP  \r\n\x87\n", 12, true, false},
    {"JPEG 2000", 0, "\xff\x4f\xff\x51\0", 5, true, false},
    {"Canon raw (CR2)", 8, "CR\2\0", 4, true, false}, /* a TIFF too, hence before it */
    {"Canon raw (CRW)", 6, "HEAPCCDR", 8, true, false},
    {"Fujifilm raw (RAF)", 0, "FUJIFILMCCD-RAW", 15, true, false},
    {"Olympus raw (ORF)", 0, "IIRO", 4, true, true},
    {"Olympus raw (ORF)", 0, "IIRS", 4, true, true},
    {"Olympus raw (ORF)", 0, "MMOR", 4, true, true},
    {"Panasonic raw (RW2)", 0, "IIU\0", 4, true, false},
    {"Minolta raw (MRW)", 0, "\0MRM", 4, true, false},
    {"Sigma raw (X3F)", 0, "FOVb", 4, true, true},
    {"TIFF (or a camera's raw file)", 0, "II*\0", 4, true, false},
    {"TIFF (or a camera's raw file)", 0, "MM\0*", 4, true, false},
    {"BigTIFF", 0, "II+\0\x08\0\0\0", 8, true, false},
    {"BigTIFF", 0, "MM\0+\0\x08\0\0", 8, true, false},
    {"JPEG XR", 0, "II\xbc\1", 4, true, false},
    {"Photoshop (PSD)", 0, "8BPS\0", 5, true, false},
    {"GIMP (XCF)", 0, "gimp xcf ", 9, true, true},
    {"OpenEXR", 0, "v/1\1", 4, true, false},
    {"Radiance HDR", 0, "#?RADIANCE\n", 11, true, false},
    {"Radiance HDR", 0, "#?RGBE\n", 7, true, false},
    {"DDS", 0, "DDS \x7c\0\0\0", 8, true, false},
    {"MNG", 0, "\x8aMNG\r\n\x1a\n", 8, true, false},
    {"JNG", 0, "\x8bJNG\r\n\x1a\n", 8, true, false},
    {"BPG", 0, "BPG\xfb", 4, true, false},
    {"ICNS", 0, "icns\0", 5, true, false},
    {"QOI", 0, "qoif\0\0", 6, true, false},
    {"Sun raster", 0, "\x59\xa6\x6a\x95", 4, true, false},
    {"farbfeld", 0, "farbfeld\0", 9, true, false},
    {"DICOM", 128, "DICM", 4, true, false},
    {"PAM", 0, "P7\nWIDTH ", 9, true, false},
    {"FITS", 0, "SIMPLE  =                    T", 30, true, false},
    {"XPM", 0, "/* XPM */", 9, true, false},
    {"EMF", 40, " EMF\0", 5, true, false},
    {"WMF", 0, "\xd7\xcd\xc6\x9a", 4, true, false},
    {"DjVu", 0, "AT&TFORM", 8, false, true},
    {"PDF", 0, "%PDF-", 5, false, false},
    {"PostScript", 0, "%!PS-Adobe-", 11, false, false},
    {"PostScript", 0, "\xc5\xd0\xd3\xc6", 4, false, false},
};

/* ISO base media files (ISO/IEC 14496-12): a box `ftyp` of a main brand, a version, and the brands
 * that a reader may also take it for.  Those of pictures are registered at mp4ra.org; a film has
 * none of them. */
static const char *brand_name(const uint8_t *brand)
{
    static const struct {
        char brand[5];
        const char *name;
    } brands[] = {{"avif", "AVIF"},    {"avis", "AVIF"},      {"heic", "HEIC"},
                  {"heix", "HEIC"},    {"heim", "HEIC"},      {"heis", "HEIC"},
                  {"hevc", "HEIC"},    {"hevx", "HEIC"},      {"crx ", "Canon raw (CR3)"},
                  {"jxl ", "JPEG XL"}, {"jp2 ", "JPEG 2000"}, {"mif1", "HEIF"},
                  {"msf1", "HEIF"},    {"mif2", "HEIF"},      {"miaf", "HEIF"}};

    for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++) {
        if (memcmp(brand, brands[i].brand, 4) == 0) {
            return brands[i].name;
        }
    }
    return NULL;
}

static const char *media_name(const uint8_t *p, size_t n)
{
    const char *name = NULL;

    if (n < 12 || memcmp(p + 4, "ftyp", 4) != 0 || p[0] != 0 || p[1] != 0) {
        return NULL;
    }
    size_t end = (size_t)p[2] << 8 | p[3];
    for (size_t at = 8; at + 4 <= n && at + 4 <= (end < 12 ? 12 : end); at += at == 8 ? 8 : 4) {
        const char *found = brand_name(p + at);
        if (found != NULL && (name == NULL || strcmp(name, "HEIF") == 0)) {
            name = found; /* HEIF says less than a brand of its own */
        }
    }
    return name;
}

/* Icons and cursors: a list of 1 to 255 pictures, each entry of 16 bytes with a zero in its
 * fourth, its bytes behind the list. */
static const char *icon_name(const uint8_t *p, size_t n)
{
    if (n < 22 || p[0] != 0 || p[1] != 0 || (p[2] != 1 && p[2] != 2) || p[3] != 0 || p[4] == 0 ||
        p[5] != 0 || p[9] != 0) {
        return NULL;
    }
    size_t offset = p[18] | (size_t)p[19] << 8 | (size_t)p[20] << 16 | (size_t)p[21] << 24;
    return offset < 6 + (size_t)16 * p[4] ? NULL : p[2] == 1 ? "ICO" : "CUR";
}

/* SVG is a text whose first element is `svg`, behind a byte order mark, declarations, comments. */
static bool is_svg(const uint8_t *p, size_t n)
{
    size_t at = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (at < n) {
        if (p[at] == ' ' || (p[at] >= 9 && p[at] <= 13)) {
            at++;
            continue;
        }
        if (p[at] != '<' || n - at < 5) {
            return false;
        }
        if (memcmp(p + at, "<svg", 4) == 0) {
            return p[at + 4] == ' ' || p[at + 4] == '>' || (p[at + 4] >= 9 && p[at + 4] <= 13);
        }
        if (p[at + 1] != '?' && p[at + 1] != '!') {
            return false;
        }
        bool comment = memcmp(p + at, "<!--", 4) == 0;
        for (at += comment ? 6 : 1; at < n; at++) { /* a comment ends in -->, not in any > */
            if (p[at] == '>' && (!comment || (p[at - 1] == '-' && p[at - 2] == '-'))) {
                at++;
                break;
            }
        }
    }
    return false;
}

static bool fits(const struct magic *m, const uint8_t *p, size_t n)
{
    size_t end = m->at + m->n;

    return n >= end && memcmp(p + m->at, m->bytes, m->n) == 0 &&
           !(m->binary && kind_is_all_text(p + end, n - end < 8 ? n - end : 8));
}

const char *kind_name(const uint8_t *p, size_t n, bool *picture)
{
    const char *name = media_name(p, n);

    *picture = true;
    name = name != NULL ? name : icon_name(p, n);
    if (name != NULL || is_svg(p, n)) {
        return name != NULL ? name : "SVG";
    }
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (fits(&magics[i], p, n)) {
            *picture = magics[i].picture;
            return magics[i].name;
        }
    }
    return NULL;
}
