/* need.h - memory for a program that has no use for what is left without it. */
#ifndef CLIPC_TRAIN_NEED_H
#define CLIPC_TRAIN_NEED_H

/* `p`, or the end of the program, after saying why, when it is NULL. */
void *need_memory(void *p);

#endif
