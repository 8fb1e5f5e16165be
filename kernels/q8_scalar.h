/* q8_scalar.h - int8 products, one at a time: the reference, and the list of what every q8_<isa>.h
 * defines beside its vec_<isa>.h.  Activations are bytes less Q8_BIAS.
 *
 *   Q8_GROUP               inputs that a step takes for each of VL columns: 1, 2 or 4
 *   q8_act, q8_weight      an activation and a weight as q8_dot wants them: 8 bits or 16
 *   q8_group               what is multiplied for a qvec of sums
 *   q8_spread(x)           Q8_GROUP activations for each lane
 *   q8_load(w)             [VL][Q8_GROUP] weights
 *   q8_dot(s,x,w)          s + the sum of the group's products, exactly
 *   q8_widen(to,from)      with Q8_GROUP below 4: to[4 / Q8_GROUP][32][Q8_GROUP] of from[32][4] */

typedef int32_t q8_group;
typedef int16_t q8_act, q8_weight;
#define Q8_GROUP 1
#define Q8_BIAS  0

static inline q8_group q8_spread(const q8_act *x)
{
    return *x;
}
static inline q8_group q8_load(const q8_weight *w)
{
    return *w;
}
static inline qvec q8_dot(qvec sum, q8_group x, q8_group w)
{
    return sum + x * w;
}
static inline void q8_widen(q8_weight *to, const int8_t *from)
{
    for (size_t i = 0; i < 4; i++) {
        for (size_t c = 0; c < 32; c++) {
            to[i * 32 + c] = from[c * 4 + i];
        }
    }
}
