/* avxvnni.c - the kernels of avx2.c with AVX-VNNI's int8 products (Intel since Alder Lake, AMD
 * since Zen 5). */
#ifndef __AVXVNNI__
#error "avxvnni.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_avx2.h"
#include "q8_avxvnni.h"

static bool supported(void)
{
    return cpu_features()->avxvnni;
}

#define KERNELS_ISA avxvnni
#include "kernels_tmpl.h"
