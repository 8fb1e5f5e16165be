/* json_put.h - JSON and numbers on stdout. */
#ifndef CLIPC_JSON_PUT_H
#define CLIPC_JSON_PUT_H

#include <stddef.h>
#include <stdio.h>

/* A JSON string with its quotes; each part that is not UTF-8 becomes U+FFFD, control characters
 * (C0, DEL, C1) are written as \uXXXX. */
void json_put_string(FILE *f, const char *text, size_t length);
/* The same of a C string; NULL is null. */
void json_put_c_string(FILE *f, const char *text);
/* 9 significant digits, so that a float survives the round trip; null for what JSON has no word
 * for. */
void json_put_float(FILE *f, double x);
/* [x, x, ...]; NULL is null. */
void json_put_floats(FILE *f, const float *x, size_t n);

/* The frame of --json (one array) and --jsonl (a line each): call json_records_begin once,
 * json_records_next before and (verbs that have --jsonl) json_records_line behind each record, and
 * json_records_end after all of them.  Records themselves contain no line ends. */
struct json_records {
    FILE *f;
    int lines; /* 1: --jsonl */
    size_t n;
};
void json_records_begin(struct json_records *r, FILE *f, int lines);
void json_records_next(struct json_records *r);
void json_records_line(struct json_records *r);
void json_records_end(struct json_records *r);

#endif
