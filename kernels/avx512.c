#ifndef __AVX512BW__
#error "avx512.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_avx512.h"

static bool supported(void)
{
    return cpu_has_avx512();
}

#define KERNELS_ISA avx512
#include "kernels_tmpl.h"
