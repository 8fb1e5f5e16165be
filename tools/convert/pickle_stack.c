/* pickle_stack.c - the machine's memory: a stack with marks, and the memo of what was made. */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "pickle_machine.h"

#define MAX_STACK ((size_t)1 << 20)

int pickle_bad(const struct pickle_machine *m, const char *why)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: its pickle %s (byte %zu)", m->p->what, why,
                     m->opcode_at);
}

int pickle_stack_push(struct pickle_machine *m, struct pickle_value *v)
{
    if (v == NULL) {
        return CLIPC_ERROR_MEMORY; /* and pickle_new has said so */
    }
    if (m->depth == m->room) {
        size_t room = 2 * m->room;
        struct pickle_value **stack =
            room <= MAX_STACK ? realloc(m->stack, room * sizeof *stack) : NULL;
        if (stack == NULL) {
            return base_fail(CLIPC_ERROR_LIMIT, "%s: its pickle holds more than %zu values at once",
                             m->p->what, m->room);
        }
        m->stack = stack;
        m->room = room;
    }
    m->stack[m->depth++] = v;
    return CLIPC_OK;
}

/* The deepest that may be taken from: what lies below a mark is not there yet. */
static size_t floor_of(const struct pickle_machine *m)
{
    return m->n_marks > 0 ? m->marks[m->n_marks - 1] : 0;
}

struct pickle_value **pickle_stack_take(struct pickle_machine *m, size_t n)
{
    if (m->depth - floor_of(m) < n) {
        pickle_bad(m, "takes a value that is not there");
        return NULL;
    }
    m->depth -= n;
    return m->stack + m->depth;
}

struct pickle_value **pickle_stack_take_marked(struct pickle_machine *m, size_t *n)
{
    if (m->n_marks == 0) {
        pickle_bad(m, "takes a mark that is not there");
        return NULL;
    }
    size_t mark = m->marks[--m->n_marks];
    *n = m->depth - mark;
    m->depth = mark;
    return m->stack + mark;
}

static struct pickle_value *top(struct pickle_machine *m, enum pickle_kind kind)
{
    if (m->depth == floor_of(m) || m->stack[m->depth - 1]->kind != kind) {
        pickle_bad(m, kind == PICKLE_LIST ? "adds to what is no list"
                                          : "sets a key of what is no dict");
        return NULL;
    }
    return m->stack[m->depth - 1];
}

int pickle_stack_push_list(struct pickle_machine *m, enum pickle_kind kind,
                           struct pickle_value **items, size_t n)
{
    struct pickle_value *list = items != NULL ? pickle_new(m->p, kind) : NULL;
    int status = list != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;

    if (kind == PICKLE_DICT && n % 2 != 0) {
        return pickle_bad(m, "has a key without a value");
    }
    for (size_t i = 0; i < n && status == CLIPC_OK; i++) {
        status = pickle_push(m->p, list, items[i]);
    }
    return status == CLIPC_OK ? pickle_stack_push(m, list) : status;
}

int pickle_stack_append(struct pickle_machine *m, enum pickle_kind kind,
                        struct pickle_value **items, size_t n)
{
    struct pickle_value *list = items != NULL ? top(m, kind) : NULL;
    int status = list != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;

    if (list != NULL && kind == PICKLE_DICT && n % 2 != 0) {
        return pickle_bad(m, "has a key without a value");
    }
    for (size_t i = 0; i < n && status == CLIPC_OK; i++) {
        status = pickle_push(m->p, list, items[i]);
    }
    return status;
}

int pickle_stack_mark(struct pickle_machine *m)
{
    if (m->n_marks == PICKLE_MARKS) {
        return pickle_bad(m, "nests deeper than any model");
    }
    m->marks[m->n_marks++] = m->depth;
    return CLIPC_OK;
}

int pickle_stack_pop(struct pickle_machine *m)
{
    if (m->n_marks > 0 && m->depth == floor_of(m)) {
        m->n_marks--; /* as Python has it: a mark is on the stack too */
        return CLIPC_OK;
    }
    return pickle_stack_take(m, 1) != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;
}

/* ---- The memo -------------------------------------------------------------------------------- */

/* Remember the top of the stack as number `i`; each takes a byte or more, so numbers do too. */
int pickle_memo_put(struct pickle_machine *m, uint64_t i)
{
    if (m->depth == floor_of(m) || i >= m->n) {
        return pickle_bad(m, "remembers a value that is not there");
    }
    if (i >= m->memo_n) {
        size_t n = (size_t)i + 1 + m->memo_n / 2;
        struct pickle_value **memo = realloc(m->memo, n * sizeof *memo);
        if (memo == NULL) {
            return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", m->p->what);
        }
        memset(memo + m->memo_n, 0, (n - m->memo_n) * sizeof *memo);
        m->memo = memo;
        m->memo_n = n;
    }
    m->n_put += m->memo[i] == NULL;
    m->memo[i] = m->stack[m->depth - 1];
    return CLIPC_OK;
}

int pickle_memo_get(struct pickle_machine *m, uint64_t i)
{
    return i < m->memo_n && m->memo[i] != NULL
               ? pickle_stack_push(m, m->memo[i])
               : pickle_bad(m, "recalls a value that it never made");
}
