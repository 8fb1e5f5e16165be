/* dice.h - numbers at random from a state of 64 bits: the same for the same seed, on every
 * machine. */
#ifndef CLIPC_TRAIN_DICE_H
#define CLIPC_TRAIN_DICE_H

#include <stdint.h>

/* SplitMix64: Steele, Lea & Flood 2014, "Fast Splittable Pseudorandom Number Generators". */
uint64_t dice_random(uint64_t *state);

/* From 0, below 1; from low, below high; whole, from 0, below n. */
double dice_uniform(uint64_t *state);
double dice_between(uint64_t *state, double low, double high);
int dice_pick(uint64_t *state, int n);

#endif
