/* unicode.h - what the tokenizer needs of Unicode: properties, lower case, NFC.  The tables
 * (unicode_tables.c) are made once by tools/unicode/make_tables.py. */
#ifndef CLIPC_UNICODE_H
#define CLIPC_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const char unicode_version[]; /* "15.0.0" */

bool unicode_is_letter(uint32_t c); /* general category L* */
bool unicode_is_number(uint32_t c); /* general category N* */
bool unicode_is_digit(uint32_t c);  /* general category Nd */
bool unicode_is_space(uint32_t c);  /* White_Space */
bool unicode_is_mark(uint32_t c);   /* one of ASCII's 32 marks: Python's string.punctuation */

/* Letters and numbers, and a letter's lower case (or c itself), that Unicode 15.1 and 16.0 added:
 * HuggingFace's tokenizers library knows them, the reference's Python does not. */
bool unicode_is_later_letter(uint32_t c);
bool unicode_is_later_number(uint32_t c);
uint32_t unicode_later_lower(uint32_t c);

/* General categories Mn, P*, and Cc, Cf and Co, as Unicode 8.0 had them. */
bool unicode_is_old_mark(uint32_t c);
bool unicode_is_old_punctuation(uint32_t c);
bool unicode_is_old_control(uint32_t c);

/* Simple lower case; U+0130 gives two (i and U+0307): returns how many were written, to: [2]. */
size_t unicode_lower(uint32_t c, uint32_t *to);

/* Does a capital sigma at text[i] become a final one?  (SpecialCasing: Final_Sigma.) */
bool unicode_final_sigma(const uint32_t *text, size_t n, size_t i);

/* A growing list of code points; `failed` once memory ran out, and then nothing is added. */
struct unicode_text {
    uint32_t *data; /* [n, of room] malloc */
    size_t n, room;
    bool failed;
};
void unicode_add(struct unicode_text *text, uint32_t c);
void unicode_free(struct unicode_text *text);

/* UTF-8 to code points, appended; each maximal invalid part becomes U+FFFD. */
void unicode_decode(struct unicode_text *text, const char *bytes, size_t n);

/* Normalization Forms C and D, in place. */
void unicode_nfc(struct unicode_text *text);
void unicode_nfd(struct unicode_text *text);

/* Full and half width forms, U+FF01 to U+FFEE, to what NFKC makes of them: how many, 0 if none. */
size_t unicode_width(uint32_t c, uint32_t *to);

/* ---- Tables -------------------------------------------------------------------------------- */
struct unicode_range {
    uint32_t first, last;
};
/* Does c lie in one of the ranges of table: [n], which are sorted? */
bool unicode_in_ranges(const struct unicode_range *table, size_t n, uint32_t c);

struct unicode_lower_run {
    uint32_t first, last, step;
    int32_t distance;
};
struct unicode_class_run {
    uint32_t first, last, combining_class;
};
/* decompositions: {c, a, b or 0}; compositions: their places there, by a, then b; widths: {c, a, b
 * or 0}. */
struct unicode_pair {
    uint32_t key, a, b;
};
extern const struct unicode_range unicode_letters[], unicode_numbers[], unicode_digits[],
    unicode_cased[], unicode_case_ignorable[], unicode_old_marks[], unicode_old_punctuation[],
    unicode_old_controls[];
extern const size_t unicode_old_marks_count, unicode_old_punctuation_count,
    unicode_old_controls_count;
extern const size_t unicode_letters_count, unicode_numbers_count, unicode_digits_count,
    unicode_cased_count, unicode_case_ignorable_count;
extern const struct unicode_lower_run unicode_lower_runs[];
extern const size_t unicode_lower_runs_count;
extern const struct unicode_class_run unicode_class_runs[];
extern const size_t unicode_class_runs_count;
extern const struct unicode_pair unicode_decompositions[], unicode_widths[];
extern const uint16_t unicode_compositions[];
extern const size_t unicode_decompositions_count, unicode_compositions_count, unicode_widths_count;

#endif
