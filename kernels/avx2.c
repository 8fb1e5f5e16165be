/* avx2.c - the kernels over 8 floats, with fused multiply-add and f16 conversion (x86 of 2013:
 * Intel since Haswell, AMD since Excavator). */
#ifndef __AVX2__
#error "avx2.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_avx2.h"
#include "q8_avx2.h"

static bool supported(void)
{
    return cpu_features()->avx2;
}

#define KERNELS_ISA avx2
#include "kernels_tmpl.h"
