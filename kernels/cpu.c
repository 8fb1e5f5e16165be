#include "cpu.h"

#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <stdatomic.h>

/* The feature bits of leaf `leaf`, 0 when the CPU has no such leaf.  Intel SDM volume 2A, CPUID. */
static void leaf_bits(unsigned leaf, unsigned bits[4])
{
    bits[0] = bits[1] = bits[2] = bits[3] = 0;
    __get_cpuid_count(leaf, 0, &bits[0], &bits[1], &bits[2], &bits[3]);
}

/* Which register states the system saves (XCR0); 0 without OSXSAVE. */
static uint32_t saved_states(void)
{
    unsigned bits[4];
    uint32_t low, high;

    leaf_bits(1, bits);
    if (!(bits[2] & 1u << 27)) {
        return 0;
    }
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* Asked once: CPUID takes some 70 microseconds in a virtual machine. */
static bool remember(atomic_int *known, bool (*ask)(void))
{
    int value = atomic_load_explicit(known, memory_order_relaxed);

    if (value == 0) {
        value = ask() ? 1 : -1;
        atomic_store_explicit(known, value, memory_order_relaxed);
    }
    return value > 0;
}

static bool ask_avx2(void)
{
    unsigned one[4], seven[4];
    const unsigned fma_avx_f16c = 1u << 12 | 1u << 28 | 1u << 29;

    leaf_bits(1, one);
    leaf_bits(7, seven);
    return (one[2] & fma_avx_f16c) == fma_avx_f16c && (seven[1] & 1u << 5) != 0 &&
           (saved_states() & 0x6) == 0x6;
}

static bool ask_avx512(void)
{
    unsigned seven[4];
    const unsigned f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;

    leaf_bits(7, seven);
    return ask_avx2() && (seven[1] & f_dq_bw_vl) == f_dq_bw_vl && (saved_states() & 0xe6) == 0xe6;
}

bool cpu_has_avx2(void)
{
    static atomic_int known;

    return remember(&known, ask_avx2);
}

bool cpu_has_avx512(void)
{
    static atomic_int known;

    return remember(&known, ask_avx512);
}

bool cpu_has_neon(void)
{
    return false;
}
#else
bool cpu_has_avx2(void)
{
    return false;
}

bool cpu_has_avx512(void)
{
    return false;
}

/* Part of every AArch64 CPU. */
bool cpu_has_neon(void)
{
#if defined(__aarch64__)
    return true;
#else
    return false;
#endif
}
#endif
