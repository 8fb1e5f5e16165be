/* body.h - a request's JSON, and complaints about it in the shape of FastAPI's (pydantic's). */
#ifndef CLIPC_BODY_H
#define CLIPC_BODY_H

#include <jansson.h>
#include <stdbool.h>

#include "request.h"

/* The object that the body is, a new reference; NULL after filling the reply with a 422 or 400.
 * Read as Python's json reads: the last of two equal keys wins; NaN and infinities are null; a lone
 * surrogate is U+FFFD. */
json_t *body_parse(const struct request *request, struct reply *reply);

/* A list of complaints: {"type", "loc", "msg", "input"[, "ctx"]}. `loc` is printf-like and written
 * in JSON ("\"body\",\"image\""); `input` is echoed with its long strings cut. */
struct complaints {
    json_t *list;
    const json_t *body; /* what a missing field's `input` shows, with an id beside it */
};
void body_complain(struct complaints *c, const char *type, const json_t *input, const char *message,
                   const char *loc, ...) __attribute__((format(printf, 5, 6)));
/* The complaint of a field that is not there. */
void body_missing(struct complaints *c, const char *field);
/* Optional fields of text: a complaint for each that is neither absent, null nor a string. */
void body_check_strings(struct complaints *c, const char *const *fields);
/* true and a 422 when there are complaints; frees them in any case. */
bool body_refuse(struct complaints *c, struct reply *reply);

#endif
