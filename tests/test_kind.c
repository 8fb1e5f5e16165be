/* test_kind.c - what a file is taken for by its first bytes: texts that begin like a picture are
 * none, pictures that no build reads have their name.  The bytes are those of the formats' own
 * specifications, and of texts that people keep beside their photographs. */
#include "../src/base/base.h"
#include "../src/image/image.h"
#include "../src/image/pixels.h"
#include "check.h"

struct sample {
    const char *what;
    const char *bytes;
    size_t n;
    enum image_kind kind;
    const char *name; /* NULL: none */
};
#define BYTES(s) (s), sizeof(s) - 1

static const struct sample samples[] = {
    {"a car's name", BYTES("BMW, red, 2019.\n"), IMAGE_NONE, NULL},
    {"BM alone", BYTES("BM"), IMAGE_NONE, NULL},
    {"BM and a line end", BYTES("BM\r\n"), IMAGE_NONE, NULL},
    {"a longer text of BM", BYTES("BMI calculator, in metres and kilograms: the square of"),
     IMAGE_NONE, NULL},
    {"BM in UTF-8",
     BYTES("BM \xc3\xa4hnelt einer gro\xc3\x9f"
           "en Zahl"),
     IMAGE_NONE, NULL},
    {"BM, zeros and no header", BYTES("BM\0\0\0\0\0\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0"),
     IMAGE_NONE, NULL},
    {"a bitmap cut in its header", BYTES("BM\x36\0\0\0\0\0\0\0"), IMAGE_READABLE, NULL},
    {"a bitmap's header",
     BYTES("BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0"), IMAGE_READABLE,
     NULL},
    {"P1 in a sentence", BYTES("P1 is the first of five parts.\n"), IMAGE_NONE, NULL},
    {"P2 and a line end", BYTES("P2\nthe second\n"), IMAGE_NONE, NULL},
    {"P3 and numbers in words", BYTES("P3 12 monkeys, 4 apes\n"), IMAGE_NONE, NULL},
    {"P3, three numbers, words", BYTES("P3 12 4 255 monkeys\n"), IMAGE_NONE, NULL},
    {"P4 and a list", BYTES("P4 20 30 forty fifty\n"), IMAGE_NONE, NULL},
    {"P5, three numbers, words", BYTES("P5 2024 2025 100 the report of the year\n"), IMAGE_NONE,
     NULL},
    {"P6 and a tab", BYTES("P6\tsection six\n"), IMAGE_NONE, NULL},
    {"P6 of too large a value", BYTES("P6 2 2 70000 \1\2\3\4\5\6\7\1\2\3\4\5"), IMAGE_NONE, NULL},
    {"P7", BYTES("P7 is none of ours\n"), IMAGE_NONE, NULL},
    {"P5 whose pixels are letters", BYTES("P5 4 2 255\nabcdefgh"), IMAGE_READABLE, NULL},
    {"P5 cut in its pixels", BYTES("P5 4 2 255\n\1\2\3"), IMAGE_READABLE, NULL},
    {"P5 and two numbers", BYTES("P5 400 2"), IMAGE_NONE, NULL},
    {"P1 alone", BYTES("P1\n"), IMAGE_NONE, NULL},
    {"P1 of digits", BYTES("P1\n# drawn\n3 2\n010\n1 1 1\n"), IMAGE_READABLE, NULL},
    {"P3 of numbers", BYTES("P3 1 1 255\n1 2 3 # red\n"), IMAGE_READABLE, NULL},
    {"GIF89a in a sentence", BYTES("GIF89a is a format of 1989.\n"), IMAGE_NONE, NULL},
    {"GIF87a alone", BYTES("GIF87a"), IMAGE_NONE, NULL},
    {"GIF87a and a line", BYTES("GIF87a\r\nold\r\n"), IMAGE_NONE, NULL},
    {"GIF89a in UTF-8",
     BYTES("GIF89a gr\xc3\xb6\xc3\x9f"
           "er als 87a"),
     IMAGE_NONE, NULL},
    {"a GIF's screen", BYTES("GIF89a\x0d\0\x0b\0\xf3\3\0"), IMAGE_READABLE, NULL},
    {"a GIF cut in its screen", BYTES("GIF89a\x0d\0"), IMAGE_READABLE, NULL},
    {"a film in RIFF", BYTES("RIFF\x24\0\0\0AVI LIST\0\0\0\0"), IMAGE_NONE, NULL},
    {"a sound in RIFF", BYTES("RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"), IMAGE_NONE, NULL},
    {"RIFF in a sentence", BYTES("RIFF raff, WEBP or not\n"), IMAGE_NONE, NULL},
    {"RIFF alone", BYTES("RIFF"), IMAGE_NONE, NULL},
    {"a text", BYTES("hello\n"), IMAGE_NONE, NULL},
    {"nothing", BYTES(""), IMAGE_NONE, NULL},
    {"a film",
     BYTES("\0\0\0\x18"
           "ftypisom\0\0\2\0isomiso2"),
     IMAGE_NONE, NULL},
    {"a phone's film",
     BYTES("\0\0\0\x14"
           "ftypqt  \0\0\0\0qt  "),
     IMAGE_NONE, NULL},
    {"HEIC",
     BYTES("\0\0\0\x18"
           "ftypheic\0\0\0\0mif1heic"),
     IMAGE_UNREADABLE, "HEIC"},
    {"HEIC behind mif1",
     BYTES("\0\0\0\x1c"
           "ftypmif1\0\0\0\0mif1miafheic"),
     IMAGE_UNREADABLE, "HEIC"},
    {"HEIF",
     BYTES("\0\0\0\x14"
           "ftypmif1\0\0\0\0mif1"),
     IMAGE_UNREADABLE, "HEIF"},
    {"AVIF",
     BYTES("\0\0\0\x1c"
           "ftypavif\0\0\0\0avifmif1miaf"),
     IMAGE_UNREADABLE, "AVIF"},
    {"AVIF behind mif1",
     BYTES("\0\0\0\x1c"
           "ftypmif1\0\0\0\0mif1avifmiaf"),
     IMAGE_UNREADABLE, "AVIF"},
    {"CR3",
     BYTES("\0\0\0\x18"
           "ftypcrx \0\0\0\1crx isom"),
     IMAGE_UNREADABLE, "Canon raw (CR3)"},
    {"JPEG XL, bare", BYTES("\xff\x0a\x7a\x01"), IMAGE_UNREADABLE, "JPEG XL"},
    {"JPEG XL, boxed", BYTES("\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14"), IMAGE_UNREADABLE, "JPEG XL"},
    {"JPEG 2000", BYTES("\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14"), IMAGE_UNREADABLE, "JPEG 2000"},
    {"TIFF, little end first", BYTES("II*\0\x08\0\0\0\x0a\0"), IMAGE_UNREADABLE,
     "TIFF (or a camera's raw file)"},
    {"TIFF, big end first", BYTES("MM\0*\0\0\0\x08\0\x0a"), IMAGE_UNREADABLE,
     "TIFF (or a camera's raw file)"},
    {"II in a text", BYTES("II*V, III*V\n"), IMAGE_NONE, NULL},
    {"CR2", BYTES("II*\0\x10\0\0\0CR\2\0\0\0\0\0"), IMAGE_UNREADABLE, "Canon raw (CR2)"},
    {"RAF", BYTES("FUJIFILMCCD-RAW 0201FF389601"), IMAGE_UNREADABLE, "Fujifilm raw (RAF)"},
    {"ORF", BYTES("IIRO\x08\0\0\0\x12\0\0\1"), IMAGE_UNREADABLE, "Olympus raw (ORF)"},
    {"IIRO in a text", BYTES("IIRO is no word\n"), IMAGE_NONE, NULL},
    {"RW2", BYTES("IIU\0\x18\0\0\0"), IMAGE_UNREADABLE, "Panasonic raw (RW2)"},
    {"X3F", BYTES("FOVb\0\0\2\0\1\2\3\4"), IMAGE_UNREADABLE, "Sigma raw (X3F)"},
    {"FOVb in a text", BYTES("FOVb, whatever that is"), IMAGE_NONE, NULL},
    {"PSD", BYTES("8BPS\0\1\0\0\0\0\0\0\0\3"), IMAGE_UNREADABLE, "Photoshop (PSD)"},
    {"8BPS in a text", BYTES("8BPS is how PSD files begin"), IMAGE_NONE, NULL},
    {"ICO", BYTES("\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0"), IMAGE_UNREADABLE,
     "ICO"},
    {"CUR", BYTES("\0\0\2\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0"), IMAGE_UNREADABLE,
     "CUR"},
    {"zeros and ones", BYTES("\0\0\1\0\1\0\1\1\1\1\1\0\1\0\1\0\1\0\1\0\1\0"), IMAGE_NONE, NULL},
    {"SVG", BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), IMAGE_UNREADABLE, "SVG"},
    {"SVG behind declarations",
     BYTES("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- a > b <svg> -->\n<!DOCTYPE svg>\n"
           "<svg>\n</svg>"),
     IMAGE_UNREADABLE, "SVG"},
    {"a page with a drawing", BYTES("<!DOCTYPE html><html><svg></svg></html>"), IMAGE_NONE, NULL},
    {"an element like svg", BYTES("<svgs></svgs>"), IMAGE_NONE, NULL},
    {"an open comment", BYTES("<!-- <svg> "), IMAGE_NONE, NULL},
    {"EXR", BYTES("v/1\1\2\0\0\0"), IMAGE_UNREADABLE, "OpenEXR"},
    {"QOI", BYTES("qoif\0\0\0\x40\0\0\0\x40\3\0"), IMAGE_UNREADABLE, "QOI"},
    {"qoif in a text", BYTES("qoif or qif?"), IMAGE_NONE, NULL},
    {"PDF", BYTES("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), IMAGE_NONE, "PDF"},
    {"PostScript", BYTES("%!PS-Adobe-3.0 EPSF-3.0\n"), IMAGE_NONE, "PostScript"},
};

/* Every sample ends at a page that cannot be read; so does each of its beginnings. */
static void test_samples(void)
{
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *s = &samples[i];
        uint8_t *bytes = check_guarded(s->n, false);
        const char *name = "?";
        memcpy(bytes, s->bytes, s->n);
        enum image_kind kind = image_probe(bytes, s->n, &name);
        bool named = s->name == NULL ? name == NULL : name != NULL && strcmp(name, s->name) == 0;
        check(kind == s->kind && named, "%s: kind %d, %s", s->what, (int)kind,
              name != NULL ? name : "no name");
        for (size_t n = s->n; n-- > 0;) {
            memmove(bytes + 1, bytes, n);
            bytes++;
            image_probe(bytes, n, NULL);
        }
    }
}

/* What the door says of them. */
static void test_messages(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        int status;
        const char *words;
    } cases[] = {
        {BYTES("\0\0\0\x18"
               "ftypheic\0\0\0\0mif1heic"),
         CLIPC_ERROR_UNSUPPORTED, "HEIC, which clipc does not read: convert it to JPEG or PNG"},
        {BYTES("%PDF-1.4\n"), CLIPC_ERROR_UNSUPPORTED,
         "PDF, which clipc does not read: convert it to JPEG or PNG"},
        {BYTES("RIFF\x24\0\0\0AVI LIST"), CLIPC_ERROR_FORMAT, "not an image that this build reads"},
        {BYTES("RIFF\x24\0\0\0WAVEfmt "), CLIPC_ERROR_FORMAT, "not an image that this build reads"},
        {BYTES("BMW, red, 2019.\n"), CLIPC_ERROR_FORMAT, "not an image that this build reads"},
        {BYTES("GIF89a is a format"), CLIPC_ERROR_FORMAT, "not an image that this build reads"},
        {BYTES("P1 is one"), CLIPC_ERROR_FORMAT, "not an image that this build reads"},
    };
    struct clipc_image_options options = {.size = sizeof options};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct clipc_image image = {0};
        int status = image_decode(cases[i].bytes, cases[i].n, &options, &image);
        check(status == cases[i].status && strstr(base_errmsg(), cases[i].words) != NULL, "%s",
              base_errmsg());
        pixels_free(&image);
    }
}

int main(void)
{
    test_samples();
    test_messages();
    return check_done();
}
