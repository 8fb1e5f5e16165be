/* kernels.c - the list of kernel sets, best first, and the choice among them. */
#include "kernels.h"

#include <string.h>

#include "config.h"

extern const struct kernels kernels_avx512, kernels_avx2, kernels_neon, kernels_scalar,
    kernels_blas;

/* The fallback comes last but for blas, which is chosen only by its name. */
const struct kernels *const kernels_all[] = {
#if defined(__x86_64__)
    &kernels_avx512,
    &kernels_avx2,
#elif defined(__aarch64__)
    &kernels_neon,
#endif
    &kernels_scalar,
#if HAVE_BLAS
    &kernels_blas,
#endif
    NULL,
};

#define FILL(slot)                                                                                 \
    if (k->slot == NULL) {                                                                         \
        k->slot = from->slot;                                                                      \
    }

static void fill_slots(struct kernels *k, const struct kernels *from)
{
    if (k->gemm == NULL) { /* these five agree on what packed activations are */
        k->gemm = from->gemm;
        k->gemm_scratch = from->gemm_scratch;
        k->act_bytes = from->act_bytes;
        k->act_align = from->act_align;
        k->act_pack = from->act_pack;
    }
    if (k->attention == NULL) {
        k->attention = from->attention;
        k->attention_scratch = from->attention_scratch;
    }
    FILL(layer_norm)
    FILL(softmax)
    FILL(activation)
    FILL(l2)
    FILL(dot)
    FILL(resize_horizontal)
    FILL(resize_vertical)
    FILL(peak)
}

/* A library is loaded only when its set is asked for by name. */
static bool wanted(const struct kernels *set, const char *name)
{
    if (name == NULL) {
        return set->load == NULL && set->supported();
    }
    return strcmp(name, set->name) == 0 && set->supported() && (set->load == NULL || set->load());
}

bool kernels_find(const char *name, struct kernels *k)
{
    for (size_t i = 0; kernels_all[i] != NULL; i++) {
        const struct kernels *set = kernels_all[i];
        if (!wanted(set, name)) {
            continue;
        }
        *k = *set;
        for (size_t j = 0; kernels_all[j] != NULL; j++) {
            const struct kernels *from = kernels_all[j];
            if (from != set && from->deterministic && from->supported()) {
                fill_slots(k, from);
            }
        }
        return true;
    }
    return false;
}
