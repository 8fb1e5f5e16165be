/* cpus.h - how many CPUs this process may use.  Knows nothing of threads. */
#ifndef CLIPC_CPUS_H
#define CLIPC_CPUS_H

/* The smaller of the affinity mask and the CPU quota of the process's cgroups, at least 1. */
int cpus_available(void);

/* The smallest CPU quota of the process's cgroup and those around it (v1 or v2), in CPUs rounded
 * up; 0 when there is none.  `root` stands in front of every path that is read ("" for this system,
 * a folder with a copy of /proc/self and /sys/fs/cgroup in tests). */
int cpus_quota(const char *root);

#endif
