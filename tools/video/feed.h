/* feed.h - bytes as they come, from a file, a pipe or a program.  Nothing here hangs: a read ends
 * when the bytes are there, when nobody writes any more, when none came for `patience` seconds, or
 * when somebody asks for the end through another descriptor. */
#ifndef CLIPC_FEED_H
#define CLIPC_FEED_H

#include <stdbool.h>
#include <stddef.h>

struct feed {
    const char *name; /* for sentences */
    int fd;           /* -1: not open */
    int stop;         /* all reading ends as soon as this is readable; -1: never */
    double patience;  /* seconds; 0: for ever */
    bool keep;        /* the descriptor is not the feed's: it stays open */
    bool stopped;
    /* What else has to be read meanwhile (a program's stderr), or -1; `side` sets it to -1. */
    int side;
    void (*read_side)(struct feed *feed);
    void *side_arg;
    unsigned char *bytes; /* [room]; those of [begin, end) are read and not taken yet */
    size_t begin, end, room;
};

/* Begin with an open descriptor.  0, or CLIPC_ERROR_MEMORY. */
int feed_begin(struct feed *feed, const char *name, int fd, int stop, double patience);

/* Begin with a file or a named pipe; waits for no writer.  0, or a negative clipc_status. */
int feed_open(struct feed *feed, const char *path, int stop, double patience);
void feed_close(struct feed *feed);

/* At least one byte that is not taken: 1; 0 at the end, or when stopped; or a negative
 * clipc_status: it cannot be read, or nothing came. */
int feed_more(struct feed *feed);

/* Bytes in the buffer without taking them, up to `n` of them (at most 4096), reading as needed.
 * How many there are; or a negative clipc_status. */
long feed_peek(struct feed *feed, size_t n, const unsigned char **bytes);

/* Take n bytes.  1; 0 when the feed ended before the first or was stopped; or a negative
 * clipc_status (CLIPC_ERROR_FORMAT when it ended among them). */
int feed_take(struct feed *feed, void *to, size_t n);

/* Take a line of up to room - 1 bytes, without its '\n', 0 behind it.  As feed_take; a longer line
 * is CLIPC_ERROR_FORMAT. */
int feed_line(struct feed *feed, char *to, size_t room);

#endif
