/* open.h - models and sessions as the options of a verb ask for them; the embedded model. */
#ifndef CLIPC_OPEN_H
#define CLIPC_OPEN_H

#include <stddef.h>

#include "../../src/clipc.h"

struct cli;

/* The model that -m, $CLIPC_MODEL or the binary names; on failure says why and returns NULL. */
clipc_model *cli_open_model(const struct cli *cli);

/* A session with the options of `cli`; on failure says why and returns NULL. */
clipc_session *cli_open_session(const struct cli *cli, const clipc_model *model);

/* Say why the weight file `path` could not be opened: what it is, when it is a file of another
 * program, else clipc_errmsg(); CLI_FAILED. */
int cli_not_opened(const char *path);

/* The embedded demo model: 64-byte aligned bytes, *size 0 when the build has none. */
const void *demo_model(size_t *size);

#endif
