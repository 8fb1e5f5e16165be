/* convert.h - the verb that makes a weight file of a checkpoint.  This folder needs a JSON reader.
 */
#ifndef CLIPC_CONVERT_H
#define CLIPC_CONVERT_H

/* As the functions of verbs/verbs.h. */
int cmd_convert(int argc, char **argv);

#endif
