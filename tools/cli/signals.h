/* signals.h - what a signal that ends the command leaves behind: nothing. */
#ifndef CLIPC_SIGNALS_H
#define CLIPC_SIGNALS_H

/* At the start of a program that writes files: every signal whose default is to end it removes the
 * unfinished ones (output.h) and then ends it as it would have.  Those that are ignored (nohup, a
 * shell's background) stay so. */
void signals_clean_up(void);

#endif
