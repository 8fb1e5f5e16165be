/* amx.c - the kernels of avx512bf16.c with AMX's tiles (Intel since Sapphire Rapids): bfloat16 for
 * fast, split floats for exact, int8.  Chosen by its name alone, until its speed is known. */
#if !defined(__AMX_TILE__) && !defined(__AMXTILE__)
#error "amx.c must be compiled with the flags that the Makefile gives it"
#endif
#include <stdbool.h>
#include "cpu.h"
#include "kernels.h"
#include "vec_avx512.h"
#include "q8_avx512vnni.h"
#include "bf16_avx512.h"
#include "tile.h"

static bool supported(void)
{
    return cpu_features()->amx;
}

static bool load(void)
{
    return cpu_allow_tiles();
}

#define KERNELS_HAS_TILES
#define KERNELS_ISA amx
#include "kernels_tmpl.h"
