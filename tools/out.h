/* out.h - JSON and numbers on stdout. */
#ifndef CLIPC_OUT_H
#define CLIPC_OUT_H

#include <stddef.h>
#include <stdio.h>

/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void out_string(FILE *f, const char *text, size_t length);
/* The same of a C string; NULL is null. */
void out_c_string(FILE *f, const char *text);
/* 9 significant digits, so that a float survives the round trip; null for what JSON has no word
 * for. */
void out_float(FILE *f, double x);
/* [x, x, ...]; NULL is null. */
void out_floats(FILE *f, const float *x, size_t n);

/* The frame of --json (one array) and --jsonl (a line each): call out_begin once, out_next before
 * and out_end after all records.  Records themselves contain no line ends. */
struct out_records {
    FILE *f;
    int lines; /* 1: --jsonl */
    size_t n;
};
void out_begin(struct out_records *r, FILE *f, int lines);
void out_next(struct out_records *r);
void out_end(struct out_records *r);

#endif
