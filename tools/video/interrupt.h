/* interrupt.h - the user's Ctrl-C (and SIGTERM, SIGHUP) as a call from a thread, where anything is
 * allowed.  The first asks for a clean end; the second ends the program as it would have, and
 * kills those that it runs. */
#ifndef CLIPC_INTERRUPT_H
#define CLIPC_INTERRUPT_H

#include <stdbool.h>

/* From now on until interrupt_end, fn(arg) is called at the first signal: true when a clean end
 * comes soon, false when nothing is worth waiting for, and the first is as the second.  Other
 * threads hold signals back themselves, or inherit it from here.  0, or CLIPC_ERROR_MEMORY. */
int interrupt_begin(bool (*fn)(void *arg), void *arg);

/* The signal that came since interrupt_begin, or 0.  Any thread. */
int interrupt_came(void);

/* As before interrupt_begin: fn is called no more.  The signal that came, or 0. */
int interrupt_end(void);

#endif
