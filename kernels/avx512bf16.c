/* avx512bf16.c - the kernels of avx512vnni.c with AVX512-BF16's products for `fast` (Intel's
 * Cooper Lake and since Sapphire Rapids, AMD since Zen 4). */
#ifndef __AVX512BF16__
#error "avx512bf16.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_avx512.h"
#include "q8_avx512vnni.h"
#include "bf16_avx512.h"

static bool supported(void)
{
    return cpu_features()->avx512bf16;
}

#define KERNELS_ISA avx512bf16
#include "kernels_tmpl.h"
