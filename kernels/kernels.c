/* kernels.c - the list of kernel sets, best first, and the choice among them.  Chosen at run time,
 * by what the CPU says of itself (cpu.c), so that one binary has the best of any machine: each set
 * is one file, compiled with its own flags, and nothing else is. */
#include "kernels.h"

#include <string.h>

#include "config.h"

extern const struct kernels kernels_avx512bf16, kernels_avx512vnni, kernels_avx512, kernels_avxvnni,
    kernels_avx2, kernels_neonbf16, kernels_dotprod, kernels_neon, kernels_scalar, kernels_amx,
    kernels_blas;

/* The fallback comes last but for those that are chosen only by their names. */
const struct kernels *const kernels_all[] = {
#if defined(__x86_64__)
    &kernels_avx512bf16,
    &kernels_avx512vnni,
    &kernels_avx512,
    &kernels_avxvnni,
    &kernels_avx2,
#elif defined(__aarch64__)
    &kernels_neonbf16,
    &kernels_dotprod,
    &kernels_neon,
#endif
    &kernels_scalar,
#if defined(__x86_64__)
    &kernels_amx,
#endif
#if HAVE_BLAS
    &kernels_blas,
#endif
    NULL,
};

/* A function that set k has not is the one of `from`, which ranks behind all asked before it. */
#define FILL(slot)                                                                                 \
    if (k->slot == NULL) {                                                                         \
        k->slot = from->slot;                                                                      \
    }

static void fill_slots(struct kernels *k, const struct kernels *from)
{
    if (k->attention == NULL) { /* these two agree on what the scratch holds */
        k->attention = from->attention;
        k->attention_scratch = from->attention_scratch;
    }
    FILL(gemms)
    FILL(layer_norm)
    FILL(softmax)
    FILL(activation)
    FILL(l2)
    FILL(dot)
    FILL(resize_horizontal)
    FILL(resize_vertical)
}

/* May other sets fall back on this one? */
static bool lends(const struct kernels *set)
{
    return set->deterministic && set->load == NULL && set->supported();
}

/* What must be loaded is so only when its set is asked for by name. */
static bool wanted(const struct kernels *set, const char *name)
{
    if (name == NULL) {
        return set->load == NULL && set->supported();
    }
    return strcmp(name, set->name) == 0 && set->supported() && (set->load == NULL || set->load());
}

/* The table is copied, so that filling its empty slots leaves the set as it is for others.  A
 * missing slot is taken from the best set that lends, whatever the rank of the set that lacks
 * it. */
bool kernels_find(const char *name, struct kernels *k)
{
    for (size_t i = 0; kernels_all[i] != NULL; i++) {
        const struct kernels *set = kernels_all[i];
        if (!wanted(set, name)) {
            continue;
        }
        *k = *set;
        for (size_t j = 0; kernels_all[j] != NULL; j++) {
            if (kernels_all[j] != set && lends(kernels_all[j])) {
                fill_slots(k, kernels_all[j]);
            }
        }
        return true;
    }
    return false;
}

/* NULL: none of k's own. */
static const struct kernels_gemm *first_that_can(const struct kernels *k,
                                                 const struct kernels_linear *w,
                                                 enum kernels_precision precision)
{
    for (size_t i = 0; k->gemms != NULL && k->gemms[i] != NULL; i++) {
        if (k->gemms[i]->can(w, precision)) {
            return k->gemms[i];
        }
    }
    return NULL;
}

/* The set's own list first, then those of the others, best first: a set with nothing but int8 tiles
 * still computes a float layer. */
const struct kernels_gemm *kernels_choose(const struct kernels *k, const struct kernels_linear *w,
                                          enum kernels_precision precision)
{
    const struct kernels_gemm *gemm = first_that_can(k, w, precision);

    for (size_t i = 0; gemm == NULL && kernels_all[i] != NULL; i++) {
        if (lends(kernels_all[i])) {
            gemm = first_that_can(kernels_all[i], w, precision);
        }
    }
    return gemm;
}

/* Asked with a layer as wide as a model's, because a gemm may refuse narrow ones. */
const char *kernels_fast(const struct kernels *k, enum kernels_dtype dtype)
{
    const struct kernels_linear wide = {
        .in = 1024, .out = 1024, .in_padded = 1024, .out_padded = 1024, .dtype = dtype};
    const struct kernels_gemm *fast = kernels_choose(k, &wide, KERNELS_FAST);

    return fast != NULL && fast != kernels_choose(k, &wide, KERNELS_EXACT) ? fast->name : NULL;
}
