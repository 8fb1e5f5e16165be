#ifndef __AVX2__
#error "avx2.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_avx2.h"

static bool supported(void)
{
    return cpu_has_avx2();
}

#define KERNELS_ISA avx2
#include "kernels_tmpl.h"
