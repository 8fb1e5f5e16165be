/* mini.h - the model that several tests compute with: tests/golden/mini, as `clipc convert` makes a
 * weight file of it. */
#ifndef CLIPC_TEST_MINI_H
#define CLIPC_TEST_MINI_H

#include <stdlib.h>

#include "check.h"
#include "config.h"

/* Make it for test NAME; false: there is none, which is said, as a skip where convert is not in the
 * build. */
static bool mini_model(const char *name, char path[256])
{
    char command[512];

    snprintf(path, 256, "%s/tests/%s.clipc", check_build(), name);
    snprintf(command, sizeof command, "%s/clipc convert tests/golden/mini -o %s 2>/dev/null",
             check_build(), path);
    if (system(command) == 0) {
        return true;
    }
    if (HAVE_JANSSON) {
        check(false, "%s", command);
    } else {
        check_skip("built without jansson, and so without convert: no model");
    }
    return false;
}

#endif
