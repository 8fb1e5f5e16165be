/* Which kernel sets a CPU and its system can run, from the answers that other machines would give
 * to CPUID and XGETBV: a set whose registers the system does not save must never be chosen. */
#include "../kernels/cpu.h"
#include "check.h"

/* Leaf 1 ECX and leaf 7 EBX as real CPUs give them (of sandpile.org's and InstLatx64's dumps). */
#define HASWELL_1 0x7ffafbbfu /* FMA, OSXSAVE, AVX, F16C */
#define HASWELL_7 0x000027abu /* AVX2, BMI */
#define SKYLAKE_7 0xd39ffffbu /* all of AVX-512 F, DQ, BW, VL */
#define NEHALEM_1 0x009ce3bdu /* SSE4.2, none of AVX */
#define XMM_YMM   0x7u
#define WITH_ZMM  0xe7u

static struct cpu decode(uint32_t one, uint32_t seven, uint32_t xcr0)
{
    struct cpu_x86 answers = {.leaf1_ecx = one, .leaf7_ebx = seven, .xcr0 = xcr0};

    return cpu_decode_x86(&answers);
}

static void expect(const char *what, struct cpu cpu, bool avx2, bool avx512)
{
    check(cpu.avx2 == avx2 && cpu.avx512 == avx512 && !cpu.neon, "%s: AVX2 %d, AVX-512 %d", what,
          cpu.avx2, cpu.avx512);
}

/* int8 products: a bit of their own, and the set that they belong to. */
static void test_vnni(void)
{
    struct cpu_x86 a = {HASWELL_1, SKYLAKE_7, WITH_ZMM, 1u << 11, 1u << 4, 0};
    struct cpu all = cpu_decode_x86(&a), cpu;

    check(all.avx512vnni && all.avxvnni, "a CPU with both of VNNI");
    a.leaf7_ecx = ~(1u << 11);
    a.leaf7_1_eax = ~(1u << 4);
    cpu = cpu_decode_x86(&a);
    check(!cpu.avx512vnni && !cpu.avxvnni && cpu.avx512, "one with all else");
    a = (struct cpu_x86){HASWELL_1, HASWELL_7, WITH_ZMM, 1u << 11, 1u << 4, 0};
    cpu = cpu_decode_x86(&a);
    check(!cpu.avx512vnni && cpu.avxvnni, "AVX-VNNI without AVX-512 (Alder Lake)");
    a = (struct cpu_x86){HASWELL_1, SKYLAKE_7, XMM_YMM, 1u << 11, 1u << 4, 0};
    cpu = cpu_decode_x86(&a);
    check(!cpu.avx512vnni && cpu.avxvnni, "a system that saves no ZMM");
    a.xcr0 = 3;
    cpu = cpu_decode_x86(&a);
    check(!cpu.avx512vnni && !cpu.avxvnni, "a system that saves XMM only");
}

/* bfloat16 products, in a set that has int8's as well. */
static void test_bf16(void)
{
    struct cpu_x86 a = {HASWELL_1, SKYLAKE_7, WITH_ZMM, 1u << 11, 1u << 5, 0};
    struct cpu cpu = cpu_decode_x86(&a);

    check(cpu.avx512bf16 && cpu.avx512vnni && !cpu.avxvnni, "a CPU with AVX512-BF16");
    a.leaf7_1_eax = ~(1u << 5);
    cpu = cpu_decode_x86(&a);
    check(!cpu.avx512bf16 && cpu.avx512vnni, "one with all else");
    a.leaf7_1_eax = 1u << 5;
    a.leaf7_ecx = 0;
    cpu = cpu_decode_x86(&a);
    check(!cpu.avx512bf16 && cpu.avx512, "one without VNNI, which the set wants too");
    a.leaf7_ecx = 1u << 11;
    a.xcr0 = XMM_YMM;
    cpu = cpu_decode_x86(&a);
    check(!cpu.avx512bf16 && cpu.avx2, "a system that saves no ZMM");
}

/* Tiles: three bits, and two of what the system saves. */
static void test_amx(void)
{
    const uint32_t three = 1u << 22 | 1u << 24 | 1u << 25, saved = 0x602e7;
    struct cpu_x86 a = {HASWELL_1, SKYLAKE_7, saved, 1u << 11, 1u << 5, three};

    check(cpu_decode_x86(&a).amx, "a CPU with AMX");
    for (uint32_t bit = 22; bit <= 25; bit++) {
        a.leaf7_edx = ~(1u << bit);
        check(cpu_decode_x86(&a).amx == (bit == 23), "one without bit %u of its three", bit);
    }
    a.leaf7_edx = three;
    for (uint32_t bit = 17; bit <= 18; bit++) {
        a.xcr0 = saved & ~(1u << bit);
        check(!cpu_decode_x86(&a).amx && cpu_decode_x86(&a).avx512bf16,
              "a system that does not save state %u", bit);
    }
    a.xcr0 = saved;
    a.leaf7_1_eax = 0;
    check(!cpu_decode_x86(&a).amx, "one without AVX512-BF16, which the set wants too");
    bool allowed = cpu_allow_tiles();
    check((!allowed || cpu_features()->amx) && allowed == cpu_allow_tiles(),
          "tiles of this process: %s", allowed ? "allowed" : "none");
}

int main(void)
{
    expect("Haswell", decode(HASWELL_1, HASWELL_7, XMM_YMM), true, false);
    expect("Skylake-X", decode(HASWELL_1, SKYLAKE_7, WITH_ZMM), true, true);
    expect("Skylake-X with AMX states on", decode(HASWELL_1, SKYLAKE_7, 0x602e7), true, true);
    expect("Nehalem", decode(NEHALEM_1, 0, 0), false, false);
    expect("Skylake-X under a system that saves no ZMM", decode(HASWELL_1, SKYLAKE_7, XMM_YMM),
           true, false);
    for (uint32_t bit = 5; bit <= 7;
         bit++) { /* masks, ZMM0 to 15 above, ZMM16 to 31: all or none */
        expect("Skylake-X, one of the three AVX-512 states not saved",
               decode(HASWELL_1, SKYLAKE_7, WITH_ZMM & ~(1u << bit)), true, false);
    }
    expect("a system that saves XMM only", decode(HASWELL_1, SKYLAKE_7, 0x3), false, false);
    expect("ZMM, but not YMM, saved", decode(HASWELL_1, SKYLAKE_7, 0xe3), false, false);
    expect("no OSXSAVE: what XCR0 seems to hold does not count",
           decode(HASWELL_1 & ~(1u << 27), SKYLAKE_7, WITH_ZMM), false, false);
    for (int i = 0; i < 3; i++) {
        const unsigned bits[] = {12, 28, 29}; /* FMA, AVX, F16C */
        expect("AVX2 without FMA, AVX or F16C",
               decode(HASWELL_1 & ~(1u << bits[i]), SKYLAKE_7, WITH_ZMM), false, false);
    }
    expect("no AVX2", decode(HASWELL_1, HASWELL_7 & ~(1u << 5), XMM_YMM), false, false);
    for (int i = 0; i < 4; i++) {
        const unsigned bits[] = {16, 17, 30, 31}; /* F, DQ, BW, VL */
        expect("AVX-512 without F, DQ, BW or VL",
               decode(HASWELL_1, SKYLAKE_7 & ~(1u << bits[i]), WITH_ZMM), true, false);
    }

    test_vnni();
    test_bf16();
    test_amx();

    const struct cpu *cpu = cpu_features();
    check(cpu == cpu_features(), "asked once");
    check((cpu->l1 == 0 || cpu->l1 >= 4096) && (cpu->l2 == 0 || cpu->l2 >= cpu->l1) &&
              (cpu->l3 == 0 || cpu->l3 >= cpu->l2) && cpu->l3 < (size_t)1 << 32,
          "caches of this CPU: %zu, %zu, %zu bytes", cpu->l1, cpu->l2, cpu->l3);
    return check_done();
}
