/* output.c - files that appear only when they are complete.  Their temporary names stand in a list
 * that a signal handler can read: whatever ends the program, no half file stays. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "guard.h"

/* Links that lead to links: where the kernel gives up too. */
#define MOST_LINKS 40
/* Of a long name so much goes before ".part.XXXXXX", that the whole has no more than NAME_MAX. */
#define LONGEST_STEM 240
#define ROOM         (PATH_MAX + 16)

/* ---- The list of unfinished files ---------------------------------------------------------- */

enum { FREE, TAKEN, UNFINISHED };

static struct {
    atomic_int state;
    char path[ROOM];
} unfinished[16];

static int take_slot(void)
{
    for (size_t i = 0; i < sizeof unfinished / sizeof unfinished[0]; i++) {
        int expected = FREE;
        if (atomic_compare_exchange_strong(&unfinished[i].state, &expected, TAKEN)) {
            return (int)i;
        }
    }
    return -1;
}

void output_unlink_unfinished(void)
{
    for (size_t i = 0; i < sizeof unfinished / sizeof unfinished[0]; i++) {
        if (atomic_load(&unfinished[i].state) == UNFINISHED) {
            unlink(unfinished[i].path);
        }
    }
}

/* Six characters that nobody else has chosen. */
static void choose_suffix(char *to)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static atomic_uint count;
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t x = (uint64_t)t.tv_nsec ^ (uint64_t)t.tv_sec << 20 ^ (uint64_t)getpid() << 40;
    x = (x + atomic_fetch_add(&count, 1)) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 6; i++, x = x << 8 | x >> 56) {
        to[i] = letters[(x >> 32) % (sizeof letters - 1)];
    }
}

/* The temporary file beside o->path, entered in the list with signals held back: there is no moment
 * at which it exists and is not in the list.  open() and not mkstemp(), so that the umask (which a
 * library cannot read without changing it for all threads) does its work. */
static int create(struct output *o)
{
    const char *slash = strrchr(o->path, '/'), *name = slash != NULL ? slash + 1 : o->path;
    size_t stem = strlen(name) < LONGEST_STEM ? strlen(name) : LONGEST_STEM;
    char *path = unfinished[o->slot].path;
    sigset_t all, old;

    int n = snprintf(path, ROOM - 7, "%.*s.part.", (int)((size_t)(name - o->path) + stem), o->path);
    if (n >= ROOM - 7) {
        errno = ENAMETOOLONG;
        return -1;
    }
    path[n + 6] = '\0';
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    for (int i = 0; i < 1000 && o->fd < 0 && (i == 0 || errno == EEXIST); i++) {
        choose_suffix(path + n);
        o->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, o->replaces ? 0600 : 0666);
    }
    if (o->fd >= 0) {
        atomic_store(&unfinished[o->slot].state, UNFINISHED);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    o->temporary = path;
    return o->fd;
}

/* ---- One output ---------------------------------------------------------------------------- */

int output_error(const struct output *o, const char *what)
{
    return base_fail(CLIPC_ERROR_IO, "%s: cannot %s: %s", o->path, what, strerror(errno));
}

static void end(struct output *o)
{
    if (o->fd >= 0) {
        close(o->fd);
    }
    if (o->slot >= 0) {
        atomic_store(&unfinished[o->slot].state, FREE);
    }
    guard_target_done(o->place);
    base_free(o->path);
    memset(o, 0, sizeof *o);
    o->fd = o->slot = o->place = -1;
}

bool output_is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* The name that `path` leads to when it is a link, and that a link, ...; to: [PATH_MAX].  Nothing
 * need be there.  -1 with errno. */
static int follow(const char *path, char *to)
{
    char link[PATH_MAX];
    size_t length = strlen(path);

    if (length >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to, path, length + 1);
    for (int i = 0; i < MOST_LINKS; i++) {
        ssize_t n = readlink(to, link, sizeof link - 1);
        if (n < 0) {
            return 0; /* no link: a file, or nothing, or what open() will find fault with */
        }
        link[n] = '\0';
        char *slash = strrchr(to, '/');
        size_t folder = link[0] == '/' || slash == NULL ? 0 : (size_t)(slash + 1 - to);
        if (folder + (size_t)n >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(to + folder, link, (size_t)n + 1);
    }
    errno = ELOOP;
    return -1;
}

/* What is there already: may it be replaced, and with which permissions? */
static int look_at_target(struct output *o, const char *path)
{
    struct stat st;

    if (stat(o->path, &st) != 0) {
        return guard_target(path, NULL, &o->place);
    }
    if (!S_ISREG(st.st_mode)) {
        return base_fail(CLIPC_ERROR_IO, "%s: there is something that is no regular file", path);
    }
    if (access(o->path, W_OK) != 0) {
        return output_error(o, "replace it");
    }
    o->replaces = true;
    o->mode = st.st_mode & 0777;
    o->owner = st.st_uid;
    o->group = st.st_gid;
    return guard_target(path, &st, &o->place);
}

int output_open(struct output *o, const char *path)
{
    char name[PATH_MAX];

    memset(o, 0, sizeof *o);
    o->fd = o->slot = o->place = -1;
    if (follow(path, name) != 0) {
        return base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    o->path = base_alloc(strlen(name) + 1);
    if (o->path == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    memcpy(o->path, name, strlen(name));
    int status = look_at_target(o, path);
    if (status == CLIPC_OK && (o->slot = take_slot()) < 0) {
        status = base_fail(CLIPC_ERROR_LIMIT, "%s: too many outputs at once", path);
    }
    if (status == CLIPC_OK && create(o) < 0) {
        status = output_error(o, "create a file there");
    }
    if (status != CLIPC_OK) {
        end(o);
    }
    return status;
}

/* Best effort: that the new name itself is on the disk. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";

    if (slash != NULL && (size_t)(slash - path) + 1 < sizeof folder) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash - path + 1] = '\0';
    }
    int fd = open(folder, O_RDONLY);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Owner and permissions of the file that will be replaced, as far as the system lets us.  Where the
 * group cannot be kept, ours gets no more than everybody had. */
static void keep_permissions(const struct output *o)
{
    struct stat st;
    mode_t mode = o->mode;

    if (fstat(o->fd, &st) == 0 && (st.st_uid != o->owner || st.st_gid != o->group) &&
        fchown(o->fd, o->owner, o->group) != 0 && fchown(o->fd, (uid_t)-1, o->group) != 0) {
        mode &= ~(mode_t)070 | (mode & 07) << 3;
    }
    fchmod(o->fd, mode);
}

int output_move(struct output *o, const char *path)
{
    char *name = base_alloc(strlen(path) + 1);

    if (name == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    memcpy(name, path, strlen(path));
    base_free(o->path);
    o->path = name;
    return CLIPC_OK;
}

int output_finish(struct output *o)
{
    int status = guard_target_check(o->path, o->place);

    if (status == CLIPC_OK && o->replaces) {
        keep_permissions(o);
    }
    if (status == CLIPC_OK && (fsync(o->fd) != 0 || rename(o->temporary, o->path) != 0)) {
        status = output_error(o, "write");
    }
    if (status != CLIPC_OK) {
        output_abort(o);
        return status;
    }
    sync_folder(o->path);
    end(o);
    return CLIPC_OK;
}

void output_abort(struct output *o)
{
    if (o->temporary != NULL) {
        unlink(o->temporary);
        end(o);
    }
}
