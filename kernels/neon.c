#ifndef __ARM_NEON
#error "neon.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_neon.h"

static bool supported(void)
{
    return cpu_has_neon();
}

#define KERNELS_ISA neon
#include "kernels_tmpl.h"
