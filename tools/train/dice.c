/* dice.c - SplitMix64, and numbers of several ranges from it. */
#include "dice.h"

uint64_t dice_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double dice_uniform(uint64_t *state)
{
    return (double)(dice_random(state) >> 11) * 0x1p-53;
}

double dice_between(uint64_t *state, double low, double high)
{
    return low + (high - low) * dice_uniform(state);
}

int dice_pick(uint64_t *state, int n)
{
    return (int)(dice_uniform(state) * n);
}
