/* neonbf16.c - the kernels of dotprod.c with ARMv8.6's bfloat16 products for `fast` (Cortex-A510
 * and A710, Neoverse V1 and N2, Apple since M2). */
#ifndef __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
#error "neonbf16.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_neon.h"
#include "q8_dotprod.h"
#include "bf16_neon.h"

static bool supported(void)
{
    return cpu_features()->neonbf16;
}

#define KERNELS_ISA neonbf16
#include "kernels_tmpl.h"
