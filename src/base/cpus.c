/* cpus.c - how many CPUs this process may use: those of its affinity mask, or fewer where a cgroup
 * limits their time.  A container's or a batch job's limit is a quota, not a mask, and it may stand
 * on any cgroup between the process's own and the root. */
#define _GNU_SOURCE /* sched_getaffinity, CPU_ALLOC */
#include "cpus.h"

#if defined(__linux__)
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* More CPUs than Linux can be built for by far: where the search for a mask's size ends. */
#define MAX_CPUS (1 << 18)

/* The bits of the affinity mask.  The kernel refuses (EINVAL) a mask of fewer bits than it was
 * built for: glibc's cpu_set_t has 1024. */
static int cpus_of_mask(void)
{
    for (int room = CPU_SETSIZE; room <= MAX_CPUS; room *= 2) {
        size_t bytes = CPU_ALLOC_SIZE(room);
        cpu_set_t *set = CPU_ALLOC((size_t)room);
        if (set == NULL) {
            break;
        }
        int status = sched_getaffinity(0, bytes, set), error = errno;
        int n = status == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (n > 0 || error != EINVAL) {
            return n > 0 ? n : 1;
        }
    }
    return 1;
}

/* The first line of ROOT PATH /NAME; false when there is none. */
static bool first_line(const char *root, const char *path, const char *name, char *line, int room)
{
    char whole[3 * PATH_MAX];
    int n = snprintf(whole, sizeof whole, "%s%s/%s", root, path, name);
    FILE *f = n < (int)sizeof whole ? fopen(whole, "re") : NULL;
    bool good = f != NULL && fgets(line, room, f) != NULL;

    if (f != NULL) {
        fclose(f);
    }
    return good;
}

/* The quota that stands on the cgroup in folder `path`; 0: none ("max", or -1). */
static int quota_of(const char *root, const char *path)
{
    long long quota = 0, period = 100000;
    char line[64];

    if (first_line(root, path, "cpu.max", line, sizeof line)) {
        if (sscanf(line, "%lld %lld", &quota, &period) < 1) {
            return 0;
        }
    } else if (first_line(root, path, "cpu.cfs_quota_us", line, sizeof line)) {
        sscanf(line, "%lld", &quota);
        if (first_line(root, path, "cpu.cfs_period_us", line, sizeof line)) {
            sscanf(line, "%lld", &period);
        }
    }
    if (quota <= 0 || period <= 0 || quota / period >= INT_MAX) {
        return 0;
    }
    return (int)(quota / period) + (quota % period != 0);
}

static int smaller(int a, int b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Is `word` one of the words of `list`, which are separated by commas? */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = list; *p != '\0'; p += *p == ',') {
        size_t length = strcspn(p, ",");
        if (length == n && memcmp(p, word, n) == 0) {
            return true;
        }
        p += length;
    }
    return false;
}

/* The process's path in the hierarchy of the CPU controller (v1), or in the one of v2. */
static bool own_path(const char *root, bool v2, char *path)
{
    char name[PATH_MAX], line[PATH_MAX + 64];
    bool found = false;
    FILE *f = NULL;

    if (snprintf(name, sizeof name, "%s/proc/self/cgroup", root) < (int)sizeof name) {
        f = fopen(name, "re");
    }
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) { /* "4:cpu,cpuacct:/a/b" */
        char *controllers = strchr(line, ':'), *p;
        line[strcspn(line, "\n")] = '\0';
        p = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (p != NULL && strlen(p + 1) < PATH_MAX) {
            *p++ = '\0';
            found = v2 ? strncmp(line, "0:", 2) == 0 : has_word(controllers + 1, "cpu");
            strcpy(path, p);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return found;
}

/* Where the hierarchy is mounted, and which of its cgroups is mounted there.  A line of mountinfo:
 * "32 31 0:29 /part /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu". */
static bool mount_of(const char *root, bool v2, char *part, char *mount)
{
    char name[PATH_MAX], line[4 * PATH_MAX];
    bool found = false;
    FILE *f = NULL;

    if (snprintf(name, sizeof name, "%s/proc/self/mountinfo", root) < (int)sizeof name) {
        f = fopen(name, "re");
    }
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
        char type[16], options[512] = "", *end = strstr(line, " - ");
        if (end != NULL && sscanf(line, "%*s %*s %*s %4095s %4095s", part, mount) == 2 &&
            sscanf(end, " - %15s %*s %511s", type, options) == 2) {
            found = v2 ? strcmp(type, "cgroup2") == 0
                       : strcmp(type, "cgroup") == 0 && has_word(options, "cpu");
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return found;
}

/* The smallest quota from the process's cgroup up to what is mounted.  A container often sees only
 * its own cgroup, mounted as if it were all ("part"), or a path that leads out of its namespace
 * ("/../.."): then the mount itself is the cgroup. */
static int quota_in(const char *root, bool v2)
{
    char path[PATH_MAX], part[PATH_MAX], place[2 * PATH_MAX];
    int quota = 0;

    if (!own_path(root, v2, path) || !mount_of(root, v2, part, place)) {
        return 0;
    }
    size_t mount = strlen(place), skip = strcmp(part, "/") == 0 ? 0 : strlen(part);
    if (strncmp(path, part, skip) == 0 && (path[skip] == '/' || path[skip] == '\0') &&
        strncmp(path, "/..", 3) != 0) {
        strcpy(place + mount, path + skip);
    }
    for (;;) {
        quota = smaller(quota, quota_of(root, place));
        char *slash = strrchr(place + mount, '/');
        if (slash == NULL) {
            return quota;
        }
        *slash = '\0';
    }
}

int cpus_quota(const char *root)
{
    return smaller(quota_in(root, true), quota_in(root, false));
}

int cpus_available(void)
{
    return smaller(cpus_of_mask(), cpus_quota(""));
}
#else
#include <unistd.h>

int cpus_quota(const char *root)
{
    (void)root;
    return 0;
}

int cpus_available(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? (int)n : 1;
}
#endif
