/* folder_none.c - a folder as a source where the system has no inotify: there is none. */
#include "../../src/base/base.h"
#include "kinds.h"

int folder_watch_open(const struct address *address, const struct video_options *options,
                      struct video **video)
{
    (void)options;
    *video = NULL;
    return base_fail(CLIPC_ERROR_UNSUPPORTED,
                     "%s: a folder is watched by inotify, which this system has not; a pattern "
                     "('%s/*.jpg') takes the pictures that are in it",
                     address->place, address->place);
}
