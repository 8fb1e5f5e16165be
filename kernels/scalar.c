/* scalar.c - the kernels over one float at a time: the reference, and what any CPU can run.  Read
 * this set first: with VL = 1 each template is the plain loop. */
#include <stdbool.h>
#include "kernels.h"
#include "vec_scalar.h"
#include "q8_scalar.h"

static bool supported(void)
{
    return true;
}

#define KERNELS_ISA scalar
#include "kernels_tmpl.h"
