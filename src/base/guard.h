/* guard.h - no output replaces an input of the same call, whatever their names: links and hard
 * links are found by device and inode.  Inputs that are read before an output is opened are
 * remembered; those that are read while it is open are compared with it.  For programs that write
 * files: until guard_begin nothing is remembered, and a library's user never begins. */
#ifndef CLIPC_GUARD_H
#define CLIPC_GUARD_H

#include <sys/stat.h>

/* From now on remember what is read, 16 bytes a file, while no output is open. */
void guard_begin(void);

/* `path`, which is `st`, is about to be read.  A negative clipc_status when an open output would
 * replace it: that output then refuses to be finished. */
int guard_input(const char *path, const struct stat *st);

/* `path`, which is `st` (NULL: nothing yet), is about to be written: *place is the output's until
 * guard_target_done, -1 after a failure.  A negative clipc_status when it was read, or is another
 * output's target. */
int guard_target(const char *path, const struct stat *st, int *place);

/* CLIPC_OK, or an error when an input turned out to be the target. */
int guard_target_check(const char *path, int place);
void guard_target_done(int place); /* -1: nothing */

#endif
