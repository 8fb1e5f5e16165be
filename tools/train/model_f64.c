#define REAL    double
#define GEMM    cblas_dgemm
#define EXP     exp
#define NAME(x) x##_f64
#include "model_tmpl.h"
