/* neon.c - the kernels over 4 floats and 32 registers (AArch64). */
#ifndef __ARM_NEON
#error "neon.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_neon.h"

static bool supported(void)
{
    return cpu_features()->neon;
}

#define KERNELS_ISA neon
#include "kernels_tmpl.h"
