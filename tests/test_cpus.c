/* CPU quotas of cgroups, read from copies of /proc/self and /sys/fs/cgroup made here: v1 and v2,
 * the process's own cgroup and those around it, containers that see only a part. */
#include <sched.h>
#include <sys/stat.h>

#include "../src/base/cpus.h"
#include "check.h"

static char root[256];
static int trees;

/* Writes `text` to ROOT/path, making the folders on the way. */
static void file(const char *path, const char *text)
{
    char name[1024];
    snprintf(name, sizeof name, "%s/%d/%s", root, trees, path);
    for (char *p = name + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        mkdir(name, 0777);
        *p = '/';
    }
    FILE *f = fopen(name, "w");
    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
        perror(name);
        exit(2);
    }
}

static void tree(const char *cgroup, const char *mountinfo)
{
    trees++;
    file("proc/self/cgroup", cgroup);
    file("proc/self/mountinfo", mountinfo);
}

static void expect(int want, const char *text)
{
    char name[512];
    snprintf(name, sizeof name, "%s/%d", root, trees);
    int got = cpus_quota(name);
    check(got == want, "%s: %d%s", text, got, got == want ? "" : " (wrong)");
}

#define V2_MOUNT "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT                                                                                   \
    "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"                                   \
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset\n"                  \
    "34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct\n"

static void test_v2(void)
{
    tree("0::/system.slice/job.scope\n", V2_MOUNT);
    expect(0, "v2, no quota file at all");
    file("sys/fs/cgroup/system.slice/job.scope/cpu.max", "max 100000\n");
    expect(0, "v2, max");
    file("sys/fs/cgroup/system.slice/job.scope/cpu.max", "250000 100000\n");
    expect(3, "v2, two and a half CPUs are three");
    file("sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n");
    expect(2, "v2, the slice around it gives less");
    file("sys/fs/cgroup/system.slice/cpu.max", "900000 100000\n");
    expect(3, "v2, the slice around it gives more");
    file("sys/fs/cgroup/other.slice/cpu.max", "100000 100000\n");
    expect(3, "v2, a slice beside it counts nothing");
    file("sys/fs/cgroup/cpu.max", "50000 100000\n");
    expect(1, "v2, half a CPU for all");

    tree("0::/\n", V2_MOUNT);
    file("sys/fs/cgroup/cpu.max", "200000 50000\n");
    expect(4, "v2, a container that sees its cgroup as the root");

    tree("0::/../../outside\n", "29 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    file("sys/fs/cgroup/cpu.max", "200000 100000\n");
    expect(2, "v2, a path that leads out of the namespace");

    tree("0::/docker/abc/inner\n",
         "29 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    file("sys/fs/cgroup/inner/cpu.max", "300000 100000\n");
    expect(3, "v2, only a part of the hierarchy is mounted");
    file("sys/fs/cgroup/cpu.max", "100000 100000\n");
    expect(1, "v2, and its own quota counts");
}

static void test_v1(void)
{
    tree("5:cpuset:/other\n4:cpu,cpuacct:/batch/job7\n1:name=systemd:/\n0::/\n", V1_MOUNT);
    file("sys/fs/cgroup/cpu,cpuacct/batch/job7/cpu.cfs_quota_us", "-1\n");
    file("sys/fs/cgroup/cpu,cpuacct/batch/job7/cpu.cfs_period_us", "100000\n");
    expect(0, "v1, no quota");
    file("sys/fs/cgroup/cpu,cpuacct/batch/job7/cpu.cfs_quota_us", "60000\n");
    file("sys/fs/cgroup/cpu,cpuacct/batch/job7/cpu.cfs_period_us", "20000\n");
    expect(3, "v1, three CPUs in short periods");
    file("sys/fs/cgroup/cpu,cpuacct/batch/cpu.cfs_quota_us", "200000\n");
    file("sys/fs/cgroup/cpu,cpuacct/batch/cpu.cfs_period_us", "100000\n");
    expect(2, "v1, less around it");
    file("sys/fs/cgroup/cpuset/other/cpu.cfs_quota_us", "100000\n");
    expect(2, "v1, files of another controller count nothing");

    tree("3:cpuacct,cpu:/docker/abc\n",
         "34 31 0:31 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
    file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
    file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    expect(4, "v1, a container with its own cgroup mounted");

    tree("1:cpu:/a\n0::/b\n",
         V1_MOUNT "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    file("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "500000\n");
    file("sys/fs/cgroup/unified/b/cpu.max", "max 100000\n");
    expect(5, "v1 and v2 at once");
}

static void test_odd(void)
{
    static char deep[5000];

    trees++;
    expect(0, "no /proc at all");
    tree("0::/a\n", V2_MOUNT);
    file("sys/fs/cgroup/a/cpu.max", "many few\n");
    expect(0, "words instead of numbers");
    file("sys/fs/cgroup/a/cpu.max", "100000 0\n");
    expect(0, "a period of 0");
    file("sys/fs/cgroup/a/cpu.max", "9223372036854775807 1\n");
    expect(0, "a quota of more CPUs than an int holds");
    file("sys/fs/cgroup/a/cpu.max", "9223372036854775807 9223372036854775806\n");
    expect(2, "large numbers do not overflow");
    memset(deep, '/', sizeof deep - 1);
    memcpy(deep, "0::", 3);
    tree(deep, V2_MOUNT);
    expect(0, "a path that is too long");
    tree("cgroup\n\n:\n::\n0:\n", "nonsense\n - \n1 2 3 - cgroup2\n");
    expect(0, "files that are damaged");
}

int main(void)
{
    char command[300];

    snprintf(root, sizeof root, "%s/tests/cpus.XXXXXX", check_build());
    if (mkdtemp(root) == NULL) {
        perror(root);
        return 2;
    }
    test_v2();
    test_v1();
    test_odd();
    check(cpus_available() >= 1 && cpus_available() <= sysconf(_SC_NPROCESSORS_CONF),
          "this process may use %d CPUs", cpus_available());
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command) != 0 ? 2 : check_done();
}
