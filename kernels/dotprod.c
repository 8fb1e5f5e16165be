/* dotprod.c - the kernels of neon.c with ARMv8.2's dot product of int8 (Cortex-A75 and A55,
 * Neoverse N1, Apple since A13). */
#ifndef __ARM_FEATURE_DOTPROD
#error "dotprod.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_neon.h"
#include "q8_dotprod.h"

static bool supported(void)
{
    return cpu_features()->dotprod;
}

#define KERNELS_ISA dotprod
#include "kernels_tmpl.h"
