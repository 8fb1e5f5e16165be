/* instructions.c - is the emulator right about AMX's int8 product?  Bochs 3.0 is not.  One tile of each
 * sort against plain C. */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct configuration {
    uint8_t palette, start, reserved[14];
    uint16_t bytes_per_row[16];
    uint8_t rows[16];
};

static uint16_t halves[2][16][32]; /* bfloat16 */
static uint8_t activations[16][64];
static int8_t weights[16][64];
static float floats[16][16];
static int32_t integers[16][16];

/* Small whole numbers, so that sums of floats are exact in any order. */
static void fill(void)
{
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 64; j++) {
            activations[i][j] = (uint8_t)(i * 31 + j * 7);
            weights[i][j] = (int8_t)((i * 17 + j * 5) % 255 - 127);
        }
        for (int j = 0; j < 64; j++) {
            float x = (float)((i * 7 + j * 3) % 11 - 5);
            uint32_t bits;
            memcpy(&bits, &x, sizeof bits);
            halves[j / 32][i][j % 32] = (uint16_t)(bits >> 16);
        }
    }
}

static float widened(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static int wrong_floats(void)
{
    int wrong = 0;

    for (int m = 0; m < 16; m++) {
        for (int n = 0; n < 16; n++) {
            float sum = 0;
            for (int k = 0; k < 32; k++) {
                sum += widened(halves[0][m][k]) * widened(halves[1][k / 2][2 * n + k % 2]);
            }
            wrong += sum != floats[m][n];
        }
    }
    return wrong;
}

static int wrong_integers(void)
{
    int wrong = 0;

    for (int m = 0; m < 16; m++) {
        for (int n = 0; n < 16; n++) {
            int32_t sum = 0;
            for (int k = 0; k < 64; k++) {
                sum += activations[m][k] * weights[k / 4][4 * n + k % 4];
            }
            wrong += sum != integers[m][n];
        }
    }
    return wrong;
}

__attribute__((target("amx-tile,amx-bf16,amx-int8"))) static void multiply(void)
{
    struct configuration c = {.palette = 1};

    for (int i = 0; i < 6; i++) {
        c.bytes_per_row[i] = 64;
        c.rows[i] = 16;
    }
    _tile_loadconfig(&c);
    _tile_zero(0);
    _tile_loadd(1, halves[0], 64);
    _tile_loadd(2, halves[1], 64);
    _tile_dpbf16ps(0, 1, 2);
    _tile_stored(0, floats, 64);
    _tile_zero(3);
    _tile_loadd(4, activations, 64);
    _tile_loadd(5, weights, 64);
    _tile_dpbusd(3, 4, 5);
    _tile_stored(3, integers, 64);
    _tile_release();
}

int main(void)
{
    if (syscall(SYS_arch_prctl, 0x1023, 18) != 0) { /* ARCH_REQ_XCOMP_PERM, tile data */
        puts("tiles are refused");
        return 2;
    }
    fill();
    multiply();
    if (wrong_floats() != 0) {
        puts("TDPBF16PS is wrong");
        return 2;
    }
    if (wrong_integers() != 0) {
        puts("TDPBUSD is wrong");
        return 1;
    }
    return 0;
}
