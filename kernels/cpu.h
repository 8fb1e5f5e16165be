/* cpu.h - what this CPU, under this operating system, can do: asked once, in one struct. */
#ifndef CLIPC_CPU_H
#define CLIPC_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu {
    bool avx2;       /* AVX2, FMA, F16C, and the system saves YMM registers */
    bool avxvnni;    /* AVX-VNNI, and all of avx2's */
    bool avx512;     /* F, BW, DQ, VL, all of avx2's, and the system saves ZMM and masks */
    bool avx512vnni; /* AVX512-VNNI, and all of avx512's */
    bool avx512bf16; /* AVX512-BF16, and all of avx512vnni's */
    bool amx;        /* AMX's tiles, of bfloat16 and int8, all of avx512bf16's, and the system saves
                      * tiles (of those that ask: cpu_allow_tiles) */
    bool neon;       /* part of every AArch64 CPU */
    bool dotprod;    /* SDOT, and all of neon's */
    bool neonbf16;   /* BFDOT, and all of dotprod's */
    /* Are 16-bit floats widened by other units than those that multiply?  So on AMD's since Zen; on
     * Intel's they share them. */
    bool widens_aside;
    /* Bytes of a core's data caches (l3: of all cores that share it); 0: unknown. */
    size_t l1, l2, l3;
};

/* The same struct at every call. */
const struct cpu *cpu_features(void);

/* A process has tiles when it has asked its system for them (they make the frames of its signal
 * handlers 8 KB larger).  Asks once; true when it may use them, in every thread and from then on.
 * False where there are none. */
bool cpu_allow_tiles(void);

/* The x86 part of it as a function of what CPUID and XGETBV answer (0 where a leaf is not there),
 * so that it can be tested with the answers of other machines.  What it is not told stays 0.
 * Intel SDM volume 2A, CPUID; volume 1, 13.3 and 14.3 to 15.2 (XCR0, and what must be checked). */
struct cpu_x86 {
    uint32_t leaf1_ecx, leaf7_ebx;
    uint32_t xcr0;                   /* looked at only when leaf1_ecx has OSXSAVE */
    uint32_t leaf7_ecx, leaf7_1_eax; /* of subleaf 0, and of subleaf 1 */
    uint32_t leaf7_edx;              /* of subleaf 0 */
};
struct cpu cpu_decode_x86(const struct cpu_x86 *answers);

#endif
