/* folder.h - the pictures in a folder and the folders in it, one after the other.
 *
 * Order: names bytewise, a folder where its name stands.  A folder is read when the walk comes to
 * it, so millions of files need no more memory than the names of the folders that it is in.
 *
 * What is a picture is said by a file's first bytes; where they do not make one, by its name: an
 * empty or damaged `a.jpg`, a web page of that name, a file that may not be read, a link to nothing
 * are all given, and whoever opens them says why they are none.  Left out and counted is what
 * neither its bytes nor its name call a picture: texts, films, empty files of other names, and
 * pipes, devices and sockets, which are never opened.  Links are followed, but not to a folder that
 * the walk is in already. */
#ifndef CLIPC_FOLDER_H
#define CLIPC_FOLDER_H

#include <stddef.h>

struct folder;

/* Begin at `path`.  0, or a negative clipc_status with its sentence. */
int folder_open(const char *path, struct folder **folder);
void folder_close(struct folder *folder);

/* The next picture's path, valid until the next call: 1.  0 at the end.  A negative clipc_status,
 * with its sentence, for what cannot be walked or opened at *path (a folder that may not be read, a
 * pipe called a.jpg); the walk goes on behind it. */
int folder_next(struct folder *folder, const char **path);

/* Files left out so far. */
size_t folder_left_out(const struct folder *folder);

#endif
