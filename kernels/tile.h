/* tile.h - AMX's tiles, behind a few names of our own: eight registers of 16 rows of 64 bytes, and
 * the product of two of them (Intel SDM volume 1, chapter 18; volume 2, TDPBF16PS and TDPBUSD).
 * With TILE_PLAIN_C the same arithmetic in C, which is how it is tested on a CPU without them.
 *
 *   tile_configure() tile_release()  a thread's tiles are there between the two, and nowhere else
 *   tile_zero(t)                     t, and c, a, b below: the number of a tile, written out
 *   tile_load(t,from,stride)         16 rows of 64 bytes, `stride` bytes apart
 *   tile_store(t,to,stride)
 *   tile_dot_bf16(c,a,b)             c[m][n] += a[m][k] b[k / 2][n][k % 2] over k: 16 x 16 floats,
 *                                    16 x 32 and 16 x 16 x 2 bfloat16
 *   tile_dot_u8s8(c,a,b)             c[m][n] += a[m][k] b[k / 4][n][k % 4] over k: 16 x 16 int32_t,
 *                                    16 x 64 uint8_t, 16 x 16 x 4 int8_t */
#include <stddef.h>
#include <stdint.h>

#ifdef TILE_PLAIN_C
#include <math.h>
#include <string.h>

#include "pack.h"

enum { TILE_PLAIN_ROWS = 16, TILE_PLAIN_BYTES = 64 };

static _Thread_local struct {
    bool configured;
    unsigned char of[8][TILE_PLAIN_ROWS][TILE_PLAIN_BYTES];
} tiles;

static inline void tile_configure(void)
{
    memset(&tiles, 0, sizeof tiles);
    tiles.configured = true;
}
static inline void tile_release(void)
{
    tiles.configured = false;
}
static inline void tile_zero(int t)
{
    memset(tiles.of[t], 0, sizeof tiles.of[t]);
}
static inline void tile_load(int t, const void *from, size_t stride)
{
    for (size_t r = 0; r < TILE_PLAIN_ROWS; r++) {
        memcpy(tiles.of[t][r], (const char *)from + r * stride, TILE_PLAIN_BYTES);
    }
}
/* A tile that is not configured is a fault of the CPU; here its rows do not come out. */
static inline void tile_store(int t, void *to, size_t stride)
{
    for (size_t r = 0; tiles.configured && r < TILE_PLAIN_ROWS; r++) {
        memcpy((char *)to + r * stride, tiles.of[t][r], TILE_PLAIN_BYTES);
    }
}
/* A subnormal number is a zero of the same sign, whether it comes in or out. */
static inline float tile_flushed(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}
/* The first of all pairs are summed by themselves, from 0 and in order, each multiply-add rounded
 * once; so are the second; then both together are added to the sum. */
static inline void tile_dot_bf16(int c, int a, int b)
{
    for (size_t m = 0; m < TILE_PLAIN_ROWS; m++) {
        float sums[16], pairs[16][2] = {{0}};
        uint16_t row[32], other[32];
        memcpy(sums, tiles.of[c][m], sizeof sums);
        memcpy(row, tiles.of[a][m], sizeof row);
        for (size_t k = 0; k < 16; k++) {
            memcpy(other, tiles.of[b][k], sizeof other);
            for (size_t n = 0; n < 32; n++) {
                float x = tile_flushed(pack_bf16_to_f32(row[2 * k + n % 2]));
                float y = tile_flushed(pack_bf16_to_f32(other[n]));
                float *sum = &pairs[n / 2][n % 2];
                *sum = tile_flushed(fmaf(x, y, *sum));
            }
        }
        for (size_t n = 0; n < 16; n++) {
            float both = tile_flushed(pairs[n][0] + pairs[n][1]);
            sums[n] = tile_flushed(tile_flushed(sums[n]) + both);
        }
        memcpy(tiles.of[c][m], sums, sizeof sums);
    }
}
static inline void tile_dot_u8s8(int c, int a, int b)
{
    for (size_t m = 0; m < TILE_PLAIN_ROWS; m++) {
        int32_t sums[16];
        memcpy(sums, tiles.of[c][m], sizeof sums);
        for (size_t k = 0; k < 64; k++) {
            for (size_t n = 0; n < 16; n++) {
                unsigned char weight = tiles.of[b][k / 4][4 * n + k % 4];
                sums[n] += tiles.of[a][m][k] * (int8_t)weight;
            }
        }
        memcpy(tiles.of[c][m], sums, sizeof sums);
    }
}

#else

/* Palette 1; eight tiles, all whole. */
static inline void tile_configure(void)
{
    const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1,
                .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

    __asm__ volatile("ldtilecfg %0" : : "m"(config));
}
static inline void tile_release(void)
{
    __asm__ volatile("tilerelease" : :);
}
/* Statements of their own and not the compiler's intrinsics: GCC 12's do not say that a load reads
 * memory. */
#define tile_zero(t) __asm__ volatile("tilezero %%tmm" #t : :)
#define tile_load(t, from, stride)                                                                 \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t                                               \
                     :                                                                             \
                     : "r"(from), "r"((size_t)(stride))                                            \
                     : "memory")
#define tile_store(t, to, stride)                                                                  \
    __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)"                                           \
                     :                                                                             \
                     : "r"(to), "r"((size_t)(stride))                                              \
                     : "memory")
#define tile_dot_bf16(c, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)
#define tile_dot_u8s8(c, a, b) __asm__ volatile("tdpbusd %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)

#endif
