/* unfinished.h - a file that is being written does not outlive an interrupt. */
#ifndef CLIPC_UNFINISHED_H
#define CLIPC_UNFINISHED_H

/* While `path` (which must stay; NULL: none) is being written, an interrupt removes it before it
 * ends the program. */
void cli_unfinished(const char *path);

#endif
