"""Changes and outliers against NumPy (changes_oracle.py).  build/tests/test_changes reads the embeddings
and prints what tools/video/ makes of them."""
import math
import os
import subprocess

import numpy as np

import tap
from changes_oracle import EMA, SMA, WINDOW, changes, outliers

program = os.path.join(tap.build, "tests", "test_changes")
rng = np.random.default_rng(7)


def feed(x, *arguments):
    """One row of doubles for each embedding."""
    out = subprocess.run([program] + [str(a) for a in arguments] + [str(x.shape[1])],
                         input=x.astype("<f4").tobytes(), stdout=subprocess.PIPE, check=True, timeout=60).stdout
    return np.frombuffer(out, np.float64).reshape(len(x), -1)


def stream(n, dim, noise):
    """n embeddings that drift, with two cuts to another direction, of lengths about 9."""
    scenes = rng.normal(size=(3, dim))
    x = np.array([scenes[(3 * k) // n] for k in range(n)]) + np.cumsum(rng.normal(size=(n, dim)), 0) * noise / 8
    return (x + noise * rng.normal(size=(n, dim))) * 9 / math.sqrt(dim)


names = {EMA: "EMA", SMA: "SMA", WINDOW: "sliding window"}
for strategy, name in names.items():
    for dim, noise in (5, 1e-3), (512, 0.2), (768, 0.02):
        for threshold, warmup, factor, window in (0.2, 3, 0.1, 10), (0.01, 12, 0.4, 2), (0.5, 0, 0.9, 50):
            x = stream(120, dim, noise)
            got = feed(x, "changes", strategy, threshold, warmup, factor, window)
            want = changes(x, strategy, threshold, warmup, factor, window)
            # z is a quotient of differences of cosines: as exact as their rounding leaves it.
            off = np.abs(got[:, [2, 3]] - want[:, [2, 3]]).max()
            near = np.abs(got[:, 4:] - want[:, 4:]).max()
            tap.check((got[:, :2] == want[:, :2]).all() and off < 1e-6 and near < 1e-12,
                      "%s, %d floats, threshold %g: z within %.1e, averages within %.1e, %d changes"
                      % (name, dim, threshold, off, near, want[:, 0].sum()))

for dim, noise in (5, 1e-3), (512, 0.2), (768, 0.02):
    for threshold, warmup, window in (0.05, 3, 32), (0.1, 10, 7), (0.3, 0, 100), (0.05, 1, 1):
        x = stream(120, dim, noise)
        got, want = feed(x, "outliers", threshold, warmup, window), outliers(x, threshold, warmup, window)
        tap.check((got == want).all(), "outliers, %d floats, window %d, threshold %g: the same %d of %d"
                  % (dim, window, threshold, want[:, 0].sum(), len(x)))
tap.done()
