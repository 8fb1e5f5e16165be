/* cpu.h - may this CPU, under this operating system, run a kernel set? */
#ifndef CLIPC_CPU_H
#define CLIPC_CPU_H

#include <stdbool.h>

bool cpu_has_avx2(void);   /* AVX2, FMA, F16C, and the system saves YMM registers */
bool cpu_has_avx512(void); /* F, BW, DQ, VL, all of avx2's, and the system saves ZMM and masks */
bool cpu_has_neon(void);

#endif
