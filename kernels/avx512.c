/* avx512.c - the kernels over 16 floats and 32 registers (AVX-512 F, BW, DQ, VL: Intel's servers
 * since Skylake, AMD since Zen 4; the compiler may use all four parts, so all four are asked
 * for). */
#ifndef __AVX512BW__
#error "avx512.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_avx512.h"
#include "q8_avx512.h"

static bool supported(void)
{
    return cpu_features()->avx512;
}

#define KERNELS_ISA avx512
#include "kernels_tmpl.h"
