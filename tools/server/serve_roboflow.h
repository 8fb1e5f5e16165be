/* serve_roboflow.h - the environment of a Roboflow Inference server, for `clipc serve
 * --roboflow-env`. */
#ifndef CLIPC_SERVE_ROBOFLOW_H
#define CLIPC_SERVE_ROBOFLOW_H

#include "../cli/cli.h"
#include "serve.h"

/* Stores what its variables say in `o`, by the verb's `options`.  CLI_GO_ON, or 2 after a message
 * that names the variable. */
int serve_roboflow(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
                   struct serve_options *o);

#endif
