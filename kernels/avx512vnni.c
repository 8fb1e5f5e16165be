/* avx512vnni.c - the kernels of avx512.c with AVX512-VNNI's int8 products (Intel since Cascade
 * Lake, AMD since Zen 4). */
#ifndef __AVX512VNNI__
#error "avx512vnni.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_avx512.h"
#include "q8_avx512vnni.h"

static bool supported(void)
{
    return cpu_features()->avx512vnni;
}

#define KERNELS_ISA avx512vnni
#include "kernels_tmpl.h"
