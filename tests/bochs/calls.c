/* calls.c - Linux's system calls, as far as the tests' static programs want them: memory, output, files
 * that are only read.  There is one thread, and nobody else on the machine. */
#include "kernel.h"

#include <asm/prctl.h>
#include <asm/unistd_64.h>
#include <linux/errno.h>

extern uint64_t page_table[];

/* ---- Memory ----------------------------------------------------------------------------------- */

static int64_t protect(uint64_t at, uint64_t n, uint64_t protection)
{
    if (at % PAGE != 0 || at >= MAPPED || kernel_pages(n) > MAPPED - at) {
        return -EINVAL;
    }
    for (uint64_t end = at + kernel_pages(n); at < end; at += PAGE) {
        page_table[at / PAGE] = at | (protection & 2) | (protection != 0);
        __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
    }
    return 0;
}

static int64_t move_brk(uint64_t to)
{
    if (to >= kernel_brk_start && to <= HEAP) {
        if (to > kernel_brk) {
            memset((void *)kernel_brk, 0, to - kernel_brk);
        }
        kernel_brk = to;
    }
    return (int64_t)kernel_brk;
}

/* ---- Files ------------------------------------------------------------------------------------ */

static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static int64_t open(const char *path)
{
    for (size_t i = 1; i < kernel_n_files; i++) {
        if (same(kernel_files[i].path, path)) {
            kernel_files[i].at = 0;
            return (int64_t)i + 2; /* the first is 3 */
        }
    }
    return -ENOENT;
}

static struct file *file_of(uint64_t fd)
{
    return fd >= 3 && fd - 2 < kernel_n_files ? &kernel_files[fd - 2] : NULL;
}

static int64_t read_at(uint64_t fd, void *to, uint64_t n, uint64_t at)
{
    const struct file *f = file_of(fd);

    if (f == NULL) {
        return fd == 0 ? 0 : -EBADF;
    }
    n = at >= f->size ? 0 : n < f->size - at ? n : f->size - at;
    memcpy(to, f->bytes + at, n);
    return (int64_t)n;
}

static int64_t read(uint64_t fd, void *to, uint64_t n)
{
    struct file *f = file_of(fd);
    int64_t got = read_at(fd, to, n, f != NULL ? f->at : 0);

    if (f != NULL && got > 0) {
        f->at += (uint64_t)got;
    }
    return got;
}

static int64_t seek(uint64_t fd, uint64_t offset, uint64_t whence)
{
    struct file *f = file_of(fd);

    if (f == NULL) {
        return -ESPIPE; /* a stream */
    }
    f->at = offset + (whence == 1 ? f->at : whence == 2 ? f->size : 0);
    return (int64_t)f->at;
}

/* struct stat: type and rights at 24, size at 48, blocks' size at 56. */
static int64_t state(uint64_t fd, uint64_t *to)
{
    const struct file *f = file_of(fd);

    if (f == NULL && fd > 2) {
        return -EBADF;
    }
    memset(to, 0, 144);
    to[2] = 1;
    ((uint32_t *)to)[6] = f != NULL ? 0100444 : 0020666;
    to[6] = f != NULL ? f->size : 0;
    to[7] = PAGE;
    return 0;
}

static int64_t state_of_path(const char *path, uint64_t fd, uint64_t *to)
{
    int64_t found = *path == '\0' ? (int64_t)fd : open(path);

    return found < 0 ? found : state((uint64_t)found, to);
}

static int64_t write(uint64_t fd, const uint8_t *bytes, uint64_t n)
{
    if (fd != 1 && fd != 2) {
        return -EBADF;
    }
    for (uint64_t i = 0; i < n; i++) {
        kernel_out(0xE9, bytes[i]);
    }
    return (int64_t)n;
}

static int64_t map(uint64_t n, uint64_t protection, uint64_t flags, uint64_t fd, uint64_t offset)
{
    uint64_t at = kernel_take(n);

    if (at == 0) {
        return -ENOMEM;
    }
    if ((flags & 0x20) == 0) { /* not anonymous: a copy, and nobody writes to a file here */
        int64_t got = read_at(fd, (void *)at, n, offset);
        if (got < 0) {
            return got;
        }
    }
    protect(at, n, protection);
    return (int64_t)at;
}

/* ---- System calls ----------------------------------------------------------------------------- */

/* Linux's arch_prctl: the thread pointer, and the permission for AMX tiles (component 18). */
static int64_t arch_prctl(uint64_t what, uint64_t value)
{
    switch (what) {
    case ARCH_SET_FS:
        kernel_set_msr(0xC0000100, value);
        return 0;
    case 0x1022: /* ARCH_GET_XCOMP_PERM */
        *(uint64_t *)value = kernel_registers(false);
        return 0;
    case 0x1023: /* ARCH_REQ_XCOMP_PERM */
        return value < 64 && (kernel_registers(false) >> value & 1) ? 0 : -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

/* Seconds and nanoseconds of a clock at one tick a nanosecond: time passes, no more is promised. */
static int64_t time(uint64_t *to)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    to[0] = ((uint64_t)high << 32 | low) / 1000000000;
    to[1] = ((uint64_t)high << 32 | low) % 1000000000;
    return 0;
}

static int64_t which_cpu(uint32_t *cpu, uint32_t *node)
{
    if (cpu != NULL) {
        *cpu = 0;
    }
    if (node != NULL) {
        *node = 0;
    }
    return 0;
}

static int64_t random(uint8_t *to, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        to[i] = (uint8_t)(i * 37 + 11);
    }
    return (int64_t)n;
}

static int64_t limit(uint64_t *to)
{
    if (to != NULL) {
        to[0] = to[1] = 1 << 20; /* the stack, which is all that is asked for */
    }
    return 0;
}

static int64_t write_vector(uint64_t fd, const uint64_t *v, uint64_t n)
{
    int64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        sum += write(fd, (const uint8_t *)v[2 * i], v[2 * i + 1]);
    }
    return sum;
}

static int64_t affinity(uint64_t n, uint64_t *mask)
{
    if (n < 8) {
        return -EINVAL;
    }
    *mask = 1;
    return 8;
}

/* What has one answer on such a machine. */
static int64_t call_without_work(uint64_t number)
{
    switch (number) {
    case __NR_munmap: /* pages are not given back */
    case __NR_madvise:
    case __NR_close:
    case __NR_rt_sigaction: /* nothing sends signals */
    case __NR_rt_sigprocmask:
    case __NR_sched_yield:
    case __NR_futex: /* one thread waits for nobody */
    case __NR_set_robust_list:
        return 0;
    case __NR_getpid:
    case __NR_gettid:
    case __NR_set_tid_address:
        return 1;
    case __NR_clone:
    case __NR_clone3:
        return -EAGAIN;
    case __NR_mremap:
        return -ENOMEM; /* malloc copies, then */
    case __NR_ioctl:
        return -ENOTTY;
    case __NR_access:
    case __NR_readlink:
    case __NR_readlinkat:
        return -ENOENT;
    case __NR_rseq:
        return -ENOSYS;
    default:
        kernel_say_number("kernel: no system call 0x", number);
        kernel_out(0xE9, '\n');
        return -ENOSYS;
    }
}

int64_t kernel_call(uint64_t number, const uint64_t *last)
{
    const uint64_t a = last[5], b = last[4], c = last[3], d = last[2], e = last[1], f = last[0];

    switch (number) {
    case __NR_read:
        return read(a, (void *)b, c);
    case __NR_write:
        return write(a, (const uint8_t *)b, c);
    case __NR_writev:
        return write_vector(a, (const uint64_t *)b, c);
    case __NR_pread64:
        return read_at(a, (void *)b, c, d);
    case __NR_open:
        return open((const char *)a);
    case __NR_openat:
        return open((const char *)b);
    case __NR_fstat:
        return state(a, (uint64_t *)b);
    case __NR_newfstatat:
        return state_of_path((const char *)b, a, (uint64_t *)c);
    case __NR_lseek:
        return seek(a, b, c);
    case __NR_mmap:
        return map(b, c, d, e, f);
    case __NR_mprotect:
        return protect(a, b, c);
    case __NR_brk:
        return move_brk(a);
    case __NR_arch_prctl:
        return arch_prctl(a, b);
    case __NR_sched_getaffinity:
        return affinity(b, (uint64_t *)c);
    case __NR_getcpu:
        return which_cpu((uint32_t *)a, (uint32_t *)b);
    case __NR_clock_gettime:
        return time((uint64_t *)b);
    case __NR_prlimit64:
        return limit((uint64_t *)d);
    case __NR_getrandom:
        return random((uint8_t *)a, b);
    case __NR_exit:
    case __NR_exit_group:
        kernel_end("exit", a & 255);
    default:
        return call_without_work(number);
    }
}
