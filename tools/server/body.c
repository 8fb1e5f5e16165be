/* body.c - JSON bodies in, complaints out. */
#include "body.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* Strings of an echoed input are cut here: a picture need not travel back. */
enum { ECHO_BYTES = 200, ECHO_DEPTH = 6, ECHO_ITEMS = 20 };

/* Values of one body: 20 MB of numbers would become a gigabyte of objects.  2048 texts of 77 token
 * ids, the most that a route takes, are 160,000. */
enum { MAX_VALUES = 1 << 18 };

/* ---- Reading ------------------------------------------------------------------------------- */

/* Is the \uXXXX at text[0..5] a lone surrogate (what follows completes no pair)? */
static bool lone_surrogate(const char *text, const char *end)
{
    char hex[5] = {0};

    if (end - text < 6) {
        return false;
    }
    memcpy(hex, text + 2, 4);
    unsigned long high = strtoul(hex, NULL, 16);
    if (high < 0xD800 || high > 0xDFFF) {
        return false;
    }
    if (high > 0xDBFF || end - text < 12 || text[6] != '\\' || text[7] != 'u') {
        return true;
    }
    memcpy(hex, text + 8, 4);
    unsigned long low = strtoul(hex, NULL, 16);
    return low < 0xDC00 || low > 0xDFFF;
}

static size_t word_not_json(const char *text, const char *end)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(end - text) >= n && memcmp(text, words[i], n) == 0) {
            return n;
        }
    }
    return 0;
}

/* What Python's json takes beyond JSON, made JSON.  out: [n + n / 3 + 1], because "NaN" grows to
 * "null".  *values: what separates or opens them, counted. */
static size_t make_strict(const char *in, size_t n, char *out, size_t *values)
{
    const char *end = in + n;
    char *to = out;
    bool quoted = false;

    while (in < end) {
        size_t word = quoted ? 0 : word_not_json(in, end);
        if (word > 0) {
            memcpy(to, "null", 4);
            to += 4;
            in += word;
        } else if (quoted && in[0] == '\\' && end - in >= 2) {
            bool lone = in[1] == 'u' && lone_surrogate(in, end);
            size_t length = in[1] == 'u' && end - in >= 6 ? 6 : 2;
            if (!lone && length == 6 && (in[2] == 'd' || in[2] == 'D') && end - in >= 12 &&
                strchr("89abAB", in[3]) != NULL) {
                length = 12; /* a pair */
            }
            memcpy(to, lone ? "\\uFFFD" : in, length);
            to += length;
            in += length;
        } else {
            quoted ^= *in == '"';
            *values += !quoted && (*in == ',' || *in == '[' || *in == '{');
            *to++ = *in++;
        }
    }
    return (size_t)(to - out);
}

static bool is_json_type(const char *type)
{
    if (type == NULL) {
        return true;
    }
    size_t n = strcspn(type, ";");
    while (n > 0 && type[n - 1] == ' ') {
        n--;
    }
    return (n == 16 && strncasecmp(type, "application/json", 16) == 0) ||
           (n > 17 && strncasecmp(type, "application/", 12) == 0 &&
            strncasecmp(type + n - 5, "+json", 5) == 0);
}

/* jansson's own check, so that both agree. */
static bool is_utf8(const char *text, size_t n)
{
    json_t *string = json_stringn(text, n);

    json_decref(string);
    return string != NULL;
}

static void not_an_object(json_t *value, struct reply *reply)
{
    struct complaints c = {json_array(), NULL};

    body_complain(&c, "model_attributes_type", value,
                  "Input should be a valid dictionary or object to extract fields from",
                  "\"body\"");
    body_refuse(&c, reply);
}

static void refuse_json(const char *why, int position, struct reply *reply)
{
    struct complaints c = {json_array(), NULL};
    json_t *empty = json_object();

    body_complain(&c, "json_invalid", empty, "JSON decode error", "\"body\",%d", position);
    json_decref(empty);
    json_object_set_new(json_array_get(c.list, 0), "ctx", json_pack("{s:s}", "error", why));
    body_refuse(&c, reply);
}

json_t *body_parse(const struct request *request, struct reply *reply)
{
    struct complaints c = {NULL, NULL};
    json_error_t error;

    if (request->size == 0) {
        c.list = json_array();
        body_complain(&c, "missing", json_null(), "Field required", "\"body\"");
        body_refuse(&c, reply);
        return NULL;
    }
    if (!is_utf8(request->body, request->size)) {
        reply_json(reply, 400, "{\"detail\":\"There was an error parsing the body\"}");
        return NULL;
    }
    if (!is_json_type(request_header(request, "Content-Type"))) {
        json_t *text = json_stringn(request->body, request->size);
        not_an_object(text, reply);
        json_decref(text);
        return NULL;
    }
    char *strict = malloc(request->size + request->size / 3 + 16);
    if (strict == NULL) {
        reply_message(reply, 503, "no memory for this request now: try again");
        reply_header(reply, "Retry-After", "1");
        return NULL;
    }
    size_t values = 0, n = make_strict(request->body, request->size, strict, &values);
    if (values > MAX_VALUES) {
        free(strict);
        refuse_json("more values than this server takes", 0, reply);
        return NULL;
    }
    json_t *value = json_loadb(strict, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    free(strict);
    if (value == NULL) {
        bool extra = json_error_code(&error) == json_error_end_of_input_expected;
        refuse_json(extra ? "Extra data" : error.text, error.position > 0 ? error.position - 1 : 0,
                    reply);
        return NULL;
    }
    if (!json_is_object(value)) {
        not_an_object(value, reply);
        json_decref(value);
        return NULL;
    }
    return value;
}

/* ---- Complaining --------------------------------------------------------------------------- */

static json_t *shortened(const json_t *value, int depth)
{
    const char *key;
    json_t *item, *copy;
    size_t i;

    if (json_is_string(value) && json_string_length(value) > ECHO_BYTES) {
        size_t n = ECHO_BYTES;
        const char *text = json_string_value(value);
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) {
            n--; /* never within a character */
        }
        return json_sprintf("%.*s...", (int)n, text);
    }
    if ((json_is_array(value) || json_is_object(value)) && depth == 0) {
        return json_string("...");
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach((json_t *)(size_t)value, i, item)
        {
            json_array_append_new(copy,
                                  i < ECHO_ITEMS ? shortened(item, depth - 1) : json_string("..."));
            if (i == ECHO_ITEMS) {
                break;
            }
        }
        return copy;
    }
    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach((json_t *)(size_t)value, key, item)
        {
            if (json_object_size(copy) < ECHO_ITEMS) {
                json_object_set_new(copy, key, shortened(item, depth - 1));
            }
        }
        return copy;
    }
    return json_copy((json_t *)(size_t)value);
}

void body_complain(struct complaints *c, const char *type, const json_t *input, const char *message,
                   const char *loc, ...)
{
    char place[600], array[640];
    va_list ap;

    va_start(ap, loc);
    vsnprintf(place, sizeof place, loc, ap);
    va_end(ap);
    snprintf(array, sizeof array, "[%s]", place);
    json_array_append_new(c->list, json_pack("{s:s,s:o,s:s,s:o}", "type", type, "loc",
                                             json_loads(array, 0, NULL), "msg", message, "input",
                                             shortened(input, ECHO_DEPTH)));
}

/* Roboflow gives each request an id of this form before it looks at the fields. */
static json_t *new_uuid(void)
{
    unsigned char r[16] = {0};

    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r) {
        return json_string("");
    }
    r[6] = (unsigned char)(0x40 | (r[6] & 0x0F));
    r[8] = (unsigned char)(0x80 | (r[8] & 0x3F));
    return json_sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                        r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11],
                        r[12], r[13], r[14], r[15]);
}

void body_missing(struct complaints *c, const char *field)
{
    json_t *input = shortened(c->body, ECHO_DEPTH);

    if (json_object_get(input, "id") == NULL) {
        json_object_set_new(input, "id", new_uuid());
    }
    body_complain(c, "missing", input, "Field required", "\"body\",\"%s\"", field);
    json_decref(input);
}

void body_check_strings(struct complaints *c, const char *const *fields)
{
    for (; *fields != NULL; fields++) {
        const json_t *value = json_object_get(c->body, *fields);
        if (value != NULL && !json_is_string(value) && !json_is_null(value)) {
            body_complain(c, "string_type", value, "Input should be a valid string",
                          "\"body\",\"%s\"", *fields);
        }
    }
}

bool body_refuse(struct complaints *c, struct reply *reply)
{
    bool any = json_array_size(c->list) > 0;

    if (any) {
        char *text = json_dumps(c->list, JSON_COMPACT);
        reply_json(reply, 422, "{\"detail\":%s}", text == NULL ? "[]" : text);
        free(text);
    }
    json_decref(c->list);
    c->list = NULL;
    return any;
}
