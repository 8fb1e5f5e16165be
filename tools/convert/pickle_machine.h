/* pickle_machine.h - what the opcodes of pickle.c work on: a stack with marks, and a memo. */
#ifndef CLIPC_PICKLE_MACHINE_H
#define CLIPC_PICKLE_MACHINE_H

#include "pickle.h"

enum { PICKLE_MARKS = 1000 }; /* Python's own recursion ends there too */

struct pickle_machine {
    struct pickle *p;
    const unsigned char *data; /* [n], the next opcode at `at` */
    size_t n, at, opcode_at;
    struct pickle_value **stack; /* [depth] */
    size_t depth, room;
    size_t marks[PICKLE_MARKS], n_marks; /* depths of the stack */
    struct pickle_value **memo;          /* [memo_n], NULL where nothing was put */
    size_t memo_n, n_put;
};

/* "PATH: damaged: its pickle WHY (byte N)". */
int pickle_bad(const struct pickle_machine *m, const char *why);

/* v: NULL when pickle_new has failed, and has said so. */
int pickle_stack_push(struct pickle_machine *m, struct pickle_value *v);
int pickle_stack_mark(struct pickle_machine *m);
/* Take the last `n` values off; they stay readable behind the stack until the next push.  NULL:
 * there are fewer above the last mark. */
struct pickle_value **pickle_stack_take(struct pickle_machine *m, size_t n);
/* The same of everything above the last mark, and the mark. */
struct pickle_value **pickle_stack_take_marked(struct pickle_machine *m, size_t *n);
int pickle_stack_pop(struct pickle_machine *m);

/* items: [n], taken off (NULL: that failed), as a list or dict of its own; or to the one on top. */
int pickle_stack_push_list(struct pickle_machine *m, enum pickle_kind kind,
                           struct pickle_value **items, size_t n);
int pickle_stack_append(struct pickle_machine *m, enum pickle_kind kind,
                        struct pickle_value **items, size_t n);

/* The top of the stack, under a number. */
int pickle_memo_put(struct pickle_machine *m, uint64_t i);
int pickle_memo_get(struct pickle_machine *m, uint64_t i);

#endif
