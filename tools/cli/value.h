/* value.h - the value of an option, from the command line or from a variable. */
#ifndef CLIPC_VALUE_H
#define CLIPC_VALUE_H

#include "cli.h"

/* Stores `value` as the option's kind wants it (a flag's is not looked at: it becomes true).
 * `said`: how the option was named, "--top" or "$CLIPC_SERVE_PORT".  CLI_GO_ON, or 2 after a
 * message. */
int value_take(struct cli *cli, const struct cli_option *option, const char *said,
               const char *value);

/* The text of --OPTION as a number above 0; NULL leaves *to as it is.  CLI_GO_ON, or 2 after a
 * message. */
int value_above_zero(const struct cli *cli, const char *option, const char *text, double *to);

/* A word for yes or no: true, false, 1, 0, yes, no, on, off, in any case; false: it is none. */
bool value_is_switch(const char *word, bool *on);

#endif
