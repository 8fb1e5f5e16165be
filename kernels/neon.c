/* neon.c - the kernels over 4 floats and 32 registers (AArch64, of whose every CPU they are part:
 * nothing is asked, no flags are needed; SVE has no set of its own yet). */
#ifndef __ARM_NEON
#error "neon.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_neon.h"
#include "q8_neon.h"

static bool supported(void)
{
    return cpu_features()->neon;
}

#define KERNELS_ISA neon
#include "kernels_tmpl.h"
