/* cpu.c - CPUID, XCR0 and cache sizes on x86; AArch64 needs no question but for its caches.
 * Asked once: CPUID takes some 70 microseconds in a virtual machine, where it traps. */
#include "cpu.h"

#include <pthread.h>
#include <unistd.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#define BIT(n) (1u << (n))

/* CPUID says what the CPU can do, XCR0 which registers the system saves when it switches tasks:
 * under a system that does not know ZMM, programs would find another's values in them.  So a set
 * wants both.  FMA, AVX and F16C are bits of leaf 1, AVX2 and AVX-512's parts of leaf 7, EBX, the
 * int8 and bfloat16 products of its ECX and of subleaf 1, EAX, AMX of its EDX. */
struct cpu cpu_decode_x86(const struct cpu_x86 *a)
{
    const uint32_t fma = BIT(12), osxsave = BIT(27), avx = BIT(28), f16c = BIT(29); /* leaf 1 */
    const uint32_t avx2 = BIT(5), f = BIT(16), dq = BIT(17), bw = BIT(30), vl = BIT(31); /* 7 */
    const uint32_t ymm = BIT(1) | BIT(2);          /* XMM and the upper halves of YMM */
    const uint32_t tiles = BIT(17) | BIT(18);      /* their configuration, and what they hold */
    const uint32_t zmm = BIT(5) | BIT(6) | BIT(7); /* masks, upper halves of ZMM, ZMM16 to 31 */
    const uint32_t xcr0 = (a->leaf1_ecx & osxsave) ? a->xcr0 : 0;
    const uint32_t amx = BIT(22) | BIT(24) | BIT(25); /* of 7, EDX: bfloat16, tiles, int8 */
    const uint32_t one = fma | avx | f16c, seven = f | dq | bw | vl;
    struct cpu cpu = {0};

    cpu.avx2 = (a->leaf1_ecx & one) == one && (a->leaf7_ebx & avx2) && (xcr0 & ymm) == ymm;
    cpu.avx512 = cpu.avx2 && (a->leaf7_ebx & seven) == seven && (xcr0 & zmm) == zmm;
    cpu.avxvnni = cpu.avx2 && (a->leaf7_1_eax & BIT(4));
    cpu.avx512vnni = cpu.avx512 && (a->leaf7_ecx & BIT(11));
    cpu.avx512bf16 = cpu.avx512vnni && (a->leaf7_1_eax & BIT(5));
    cpu.amx = cpu.avx512bf16 && (a->leaf7_edx & amx) == amx && (xcr0 & tiles) == tiles;
    return cpu;
}

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

struct leaf {
    uint32_t eax, ebx, ecx, edx;
};

/* All zeros when the CPU has no such leaf. */
static struct leaf ask_leaf(uint32_t leaf, uint32_t subleaf)
{
    struct leaf l = {0, 0, 0, 0};

    __get_cpuid_count(leaf, subleaf, &l.eax, &l.ebx, &l.ecx, &l.edx);
    return l;
}

/* Which register states the system saves; only where CPUID shows OSXSAVE, else it faults. */
static uint32_t ask_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* Deterministic cache parameters: leaf 4, or AMD's 0x8000001d of the same form.  One subleaf for
 * each cache, type 0 behind the last; bytes = ways * partitions * line * sets, each less 1. */
static void ask_caches(struct cpu *cpu)
{
    uint32_t leaf = (ask_leaf(4, 0).eax & 31) != 0 ? 4 : 0x8000001d;

    for (uint32_t i = 0; i < 16; i++) {
        const struct leaf l = ask_leaf(leaf, i);
        const uint32_t type = l.eax & 31; /* 1 data, 2 instructions, 3 both */
        const uint32_t level = l.eax >> 5 & 7;
        const size_t ways = (l.ebx >> 22) + 1, partitions = (l.ebx >> 12 & 1023) + 1;
        const size_t bytes = ways * partitions * ((l.ebx & 4095) + 1) * ((size_t)l.ecx + 1);
        size_t *const levels[] = {NULL, &cpu->l1, &cpu->l2, &cpu->l3};
        if (type == 0) {
            break;
        }
        if ((type == 1 || type == 3) && level >= 1 && level <= 3) {
            *levels[level] = bytes;
        }
    }
}

/* XGETBV faults where the system has not allowed it, which OSXSAVE (leaf 1, ECX, bit 27) tells. */
static struct cpu ask(void)
{
    const struct leaf seven = ask_leaf(7, 0); /* eax: the highest subleaf */
    struct cpu_x86 answers = {.leaf1_ecx = ask_leaf(1, 0).ecx,
                              .leaf7_ebx = seven.ebx,
                              .leaf7_ecx = seven.ecx,
                              .leaf7_edx = seven.edx,
                              .leaf7_1_eax = seven.eax >= 1 ? ask_leaf(7, 1).eax : 0};

    answers.xcr0 = (answers.leaf1_ecx & BIT(27)) ? ask_xcr0() : 0;
    struct cpu cpu = cpu_decode_x86(&answers);
    cpu.widens_aside = ask_leaf(0, 0).ebx == 0x68747541; /* "Auth", of AuthenticAMD */
    ask_caches(&cpu);
    return cpu;
}

/* arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA), since Linux 5.16: by hand, because POSIX has no
 * syscall().  Older systems save tiles of no one, and say EINVAL. */
static bool ask_tiles(void)
{
    long result = -1;

#if defined(__x86_64__) && defined(__linux__)
    const long arch_prctl = 158, request = 0x1023, tile_data = 18;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(arch_prctl), "D"(request), "S"(tile_data)
                     : "rcx", "r11", "memory");
#endif
    return result == 0;
}
#else
static bool ask_tiles(void)
{
    return false;
}

#if defined(_SC_LEVEL1_DCACHE_SIZE) /* glibc, which asks the kernel */
static size_t ask_size(int name)
{
    long bytes = sysconf(name);

    return bytes > 0 ? (size_t)bytes : 0;
}
#endif

static struct cpu ask(void)
{
    struct cpu cpu = {0};

#if defined(__aarch64__)
    cpu.neon = true;
#endif
#if defined(__aarch64__) && defined(__linux__)
    cpu.dotprod = (getauxval(AT_HWCAP) & BIT(20)) != 0;                  /* HWCAP_ASIMDDP */
    cpu.neonbf16 = cpu.dotprod && (getauxval(AT_HWCAP2) & BIT(14)) != 0; /* HWCAP2_BF16 */
#elif defined(__ARM_FEATURE_DOTPROD)
    cpu.dotprod = true; /* the compiler was told so of every file */
#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
    cpu.neonbf16 = true;
#endif
#endif
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    cpu.l1 = ask_size(_SC_LEVEL1_DCACHE_SIZE);
    cpu.l2 = ask_size(_SC_LEVEL2_CACHE_SIZE);
    cpu.l3 = ask_size(_SC_LEVEL3_CACHE_SIZE);
#endif
    return cpu;
}
#endif

/* Sessions may be made in several threads at once: one of them asks, the others wait for it. */
static struct cpu known;

static void ask_once(void)
{
    known = ask();
}

static bool tiles_allowed;

static void ask_tiles_once(void)
{
    tiles_allowed = cpu_features()->amx && ask_tiles();
}

bool cpu_allow_tiles(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, ask_tiles_once);
    return tiles_allowed;
}

const struct cpu *cpu_features(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, ask_once);
    return &known;
}
