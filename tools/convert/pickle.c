/* pickle.c - the machine: opcodes of pickle's protocols 2 to 5 (Lib/pickletools.py says what each
 * does).  It never recurses, and what it makes is no more than a constant for each byte read. */
#include "pickle_machine.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

#define MAX_PICKLE ((size_t)16 << 20) /* bytes; the largest models have a few hundred thousand */

/* ---- Bytes behind an opcode ------------------------------------------------------------------ */

/* A number of `bytes` bytes. */
static int take_number(struct pickle_machine *m, unsigned bytes, uint64_t *value)
{
    *value = 0;
    if (m->n - m->at < bytes) {
        return pickle_bad(m, "is truncated");
    }
    for (unsigned i = 0; i < bytes; i++) {
        *value |= (uint64_t)m->data[m->at + i] << 8 * i;
    }
    m->at += bytes;
    return CLIPC_OK;
}

static int push_whole(struct pickle_machine *m, int64_t value)
{
    struct pickle_value *v = pickle_new(m->p, PICKLE_WHOLE);

    if (v != NULL) {
        v->u.whole = value;
    }
    return pickle_stack_push(m, v);
}

/* A length of `bytes` bytes, and so many bytes of text. */
static int push_text(struct pickle_machine *m, unsigned bytes)
{
    uint64_t n;
    int status = take_number(m, bytes, &n);

    if (status != CLIPC_OK) {
        return status;
    }
    if (n > m->n - m->at) {
        return pickle_bad(m, "is truncated, or has a text longer than itself");
    }
    struct pickle_value *v = pickle_new(m->p, PICKLE_TEXT);
    if (v != NULL) {
        v->u.text.bytes = (const char *)m->data + m->at;
        v->u.text.n = (size_t)n;
        m->at += (size_t)n;
    }
    return pickle_stack_push(m, v);
}

/* A number of any length, signed; what 64 bits do not hold is no size of a tensor. */
static int push_long(struct pickle_machine *m, unsigned bytes)
{
    uint64_t n, value = 0;
    int status = take_number(m, bytes, &n);

    if (status != CLIPC_OK) {
        return status;
    }
    if (n > m->n - m->at) {
        return pickle_bad(m, "is truncated");
    }
    if (n > 8) {
        m->at += (size_t)n;
        return pickle_stack_push(m, pickle_new(m->p, PICKLE_OTHER));
    }
    take_number(m, (unsigned)n, &value);
    if (n > 0 && n < 8 && value >> (8 * n - 1)) {
        value |= ~(uint64_t)0 << 8 * n;
    }
    return push_whole(m, (int64_t)value);
}

/* The line at m->at, without its end. */
static int take_line(struct pickle_machine *m, const char **line, size_t *n)
{
    const unsigned char *p = m->data + m->at, *end = memchr(p, '\n', m->n - m->at);

    if (end == NULL) {
        return pickle_bad(m, "is truncated");
    }
    *line = (const char *)p;
    *n = (size_t)(end - p);
    m->at += *n + 1;
    return CLIPC_OK;
}

static int push_global(struct pickle_machine *m, bool from_stack)
{
    const char *module, *name;
    size_t n_module, n_name;
    struct pickle_value *v = NULL;
    int status;

    if (from_stack) {
        struct pickle_value **pair = pickle_stack_take(m, 2);
        if (pair == NULL) {
            return CLIPC_ERROR_FORMAT;
        }
        if (pair[0]->kind != PICKLE_TEXT || pair[1]->kind != PICKLE_TEXT) {
            return pickle_bad(m, "asks for a global without a name");
        }
        status = pickle_find_global(m->p, pair[0]->u.text.bytes, pair[0]->u.text.n,
                                    pair[1]->u.text.bytes, pair[1]->u.text.n, &v);
    } else {
        if ((status = take_line(m, &module, &n_module)) != CLIPC_OK ||
            (status = take_line(m, &name, &n_name)) != CLIPC_OK) {
            return status;
        }
        status = pickle_find_global(m->p, module, n_module, name, n_name, &v);
    }
    return status == CLIPC_OK ? pickle_stack_push(m, v) : status;
}

static int use_memo(struct pickle_machine *m, unsigned bytes,
                    int (*fn)(struct pickle_machine *m, uint64_t i))
{
    uint64_t i;
    int status = take_number(m, bytes, &i);

    return status == CLIPC_OK ? fn(m, i) : status;
}

/* ---- Opcodes --------------------------------------------------------------------------------- */

static int push_number(struct pickle_machine *m, unsigned bytes)
{
    uint64_t value;
    int status = take_number(m, bytes, &value);

    return status == CLIPC_OK ? push_whole(m, bytes == 4 ? (int32_t)value : (int64_t)value)
                              : status;
}

static int skip(struct pickle_machine *m, unsigned bytes)
{
    uint64_t ignored;

    return take_number(m, bytes, &ignored);
}

/* REDUCE and NEWOBJ: a global and its arguments; BUILD: an object and its state. */
static int call(struct pickle_machine *m, unsigned char opcode)
{
    struct pickle_value **two = pickle_stack_take(m, 2), *made = NULL;
    int status;

    if (two == NULL) {
        return CLIPC_ERROR_FORMAT;
    }
    if (opcode == 'b') {
        made = two[0];
        status = pickle_build(m->p, two[0], two[1]);
    } else if (two[1]->kind != PICKLE_LIST) {
        return pickle_bad(m, "calls without arguments");
    } else {
        status = opcode == 'R' ? pickle_call(m->p, two[0], two[1], &made)
                               : pickle_make_object(m->p, two[0], &made);
    }
    return status == CLIPC_OK ? pickle_stack_push(m, made) : status;
}

static int load_storage(struct pickle_machine *m)
{
    struct pickle_value **id = pickle_stack_take(m, 1), *made = NULL;
    int status = id != NULL ? pickle_load_storage(m->p, id[0], &made) : CLIPC_ERROR_FORMAT;

    return status == CLIPC_OK ? pickle_stack_push(m, made) : status;
}

/* Opcodes of containers. */
static int step_container(struct pickle_machine *m, unsigned char opcode)
{
    struct pickle_value **items;
    size_t n = 0;

    switch (opcode) {
    case ')': /* EMPTY_TUPLE, EMPTY_LIST */
    case ']':
        return pickle_stack_push(m, pickle_new(m->p, PICKLE_LIST));
    case '}': /* EMPTY_DICT */
        return pickle_stack_push(m, pickle_new(m->p, PICKLE_DICT));
    case 0x85: /* TUPLE1, TUPLE2, TUPLE3 */
    case 0x86:
    case 0x87:
        return pickle_stack_push_list(m, PICKLE_LIST, pickle_stack_take(m, opcode - 0x84u),
                                      opcode - 0x84u);
    case 'a': /* APPEND */
        return pickle_stack_append(m, PICKLE_LIST, pickle_stack_take(m, 1), 1);
    case 's': /* SETITEM */
        return pickle_stack_append(m, PICKLE_DICT, pickle_stack_take(m, 2), 2);
    default:
        break;
    }
    items = pickle_stack_take_marked(m, &n);
    switch (opcode) {
    case 't': /* TUPLE, LIST */
    case 'l':
        return pickle_stack_push_list(m, PICKLE_LIST, items, n);
    case 'd': /* DICT */
        return pickle_stack_push_list(m, PICKLE_DICT, items, n);
    case 'e': /* APPENDS */
        return pickle_stack_append(m, PICKLE_LIST, items, n);
    case 'u': /* SETITEMS */
        return pickle_stack_append(m, PICKLE_DICT, items, n);
    default: /* POP_MARK */
        return items != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;
    }
}

/* Opcodes of single values. */
static int step_value(struct pickle_machine *m, unsigned char opcode)
{
    switch (opcode) {
    case 'J': /* BININT, BININT1, BININT2 */
        return push_number(m, 4);
    case 'K':
        return push_number(m, 1);
    case 'M':
        return push_number(m, 2);
    case 0x8a: /* LONG1 */
        return push_long(m, 1);
    case 'X': /* BINUNICODE, BINBYTES, BINSTRING */
    case 'B':
    case 'T':
        return push_text(m, 4);
    case 0x8c: /* SHORT_BINUNICODE, SHORT_BINBYTES, SHORT_BINSTRING */
    case 'C':
    case 'U':
        return push_text(m, 1);
    case 0x8d: /* BINUNICODE8, BINBYTES8 */
    case 0x8e:
        return push_text(m, 8);
    case 'c': /* GLOBAL, STACK_GLOBAL */
    case 0x93:
        return push_global(m, opcode == 0x93);
    case 'G': /* BINFLOAT, None, true, false */
        if (skip(m, 8) != CLIPC_OK) {
            return CLIPC_ERROR_FORMAT;
        } /* fall through */
    default:
        return pickle_stack_push(m, pickle_new(m->p, PICKLE_OTHER));
    }
}

/* Opcodes of the machine itself; *done: it was the last. */
static int step(struct pickle_machine *m, unsigned char opcode, bool *done)
{
    switch (opcode) {
    case 0x80: /* PROTO */
        return skip(m, 1);
    case 0x95: /* FRAME */
        return skip(m, 8);
    case '.': /* STOP */
        *done = true;
        return CLIPC_OK;
    case '(': /* MARK */
        return pickle_stack_mark(m);
    case '0': /* POP */
        return pickle_stack_pop(m);
    case 'q': /* BINPUT, LONG_BINPUT, MEMOIZE */
        return use_memo(m, 1, pickle_memo_put);
    case 'r':
        return use_memo(m, 4, pickle_memo_put);
    case 0x94:
        return pickle_memo_put(m, m->n_put);
    case 'h': /* BINGET, LONG_BINGET */
        return use_memo(m, 1, pickle_memo_get);
    case 'j':
        return use_memo(m, 4, pickle_memo_get);
    case 'Q': /* BINPERSID */
        return load_storage(m);
    case 'R': /* REDUCE, NEWOBJ, BUILD */
    case 0x81:
    case 'b':
        return call(m, opcode);
    default:
        break;
    }
    if (opcode != 0 && strchr(")]}\x85\x86\x87"
                              "as1tldeu",
                              opcode) != NULL) {
        return step_container(m, opcode);
    }
    if (opcode != 0 && strchr("JKM\x8aXBT\x8c"
                              "CU\x8d\x8e"
                              "c\x93GN\x88\x89",
                              opcode) != NULL) {
        return step_value(m, opcode);
    }
    return base_fail(
        CLIPC_ERROR_UNSUPPORTED,
        "%s: its pickle has opcode 0x%02x at byte %zu, which no tensor needs: damaged, "
        "or not a checkpoint of PyTorch",
        m->p->what, opcode, m->opcode_at);
}

int pickle_run(struct pickle *p, const unsigned char *data, size_t n, size_t *used,
               struct pickle_value **root)
{
    struct pickle_machine m = {.p = p, .data = data, .n = n};
    bool done = false;
    int status = CLIPC_OK;

    m.n = n < MAX_PICKLE ? n : MAX_PICKLE;
    m.room = 256;
    m.stack = malloc(m.room * sizeof(struct pickle_value *));
    if (m.stack == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", p->what);
    }
    while (status == CLIPC_OK && !done) {
        m.opcode_at = m.at;
        status = m.at < m.n ? step(&m, data[m.at++], &done)
                 : m.n < n  ? base_fail(CLIPC_ERROR_LIMIT, "%s: a pickle of more than %zu bytes",
                                        p->what, MAX_PICKLE)
                            : pickle_bad(&m, "is truncated");
    }
    if (status == CLIPC_OK && (m.depth != 1 || m.n_marks != 0)) {
        status = pickle_bad(&m, "ends with more or less than one value");
    }
    if (status == CLIPC_OK) {
        *root = m.stack[0];
        *used = m.at;
    }
    free(m.stack);
    free(m.memo);
    return status;
}
