/* common.h - the options that several verbs share, and the help that is printed of all. */
#ifndef CLIPC_COMMON_H
#define CLIPC_COMMON_H

#include "cli.h"

enum { COMMON_OPTIONS = 16 }; /* room, the end included */

/* The common options of the groups in `mask` (enum of cli.h), their values in `cli`; a NULL name
 * ends them. */
void common_options(struct cli *cli, int mask, struct cli_option out[COMMON_OPTIONS]);

/* Does the option answer to `name` ([length] bytes, without dashes)? */
bool option_has_name(const struct cli_option *option, const char *name, size_t length);

/* `clipc VERB --help` on stdout; the exit code. */
int print_help(const struct cli_verb *verb, const struct cli_option *options,
               const struct cli_option *common);

#endif
