#define REAL    float
#define GEMM    cblas_sgemm
#define EXP     expf
#define NAME(x) x##_f32
#include "model_tmpl.h"
