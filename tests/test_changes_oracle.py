"""Changes and outliers against NumPy: each figure from its definition over the whole history, not from
running sums.  build/tests/test_changes reads the embeddings and prints what tools/video/ makes of them."""
import math
import os
import subprocess

import numpy as np

import tap

program = os.path.join(tap.build, "tests", "test_changes")
EMA, SMA, WINDOW = range(3)
rng = np.random.default_rng(7)


def feed(x, *arguments):
    """One row of doubles for each embedding."""
    out = subprocess.run([program] + [str(a) for a in arguments] + [str(x.shape[1])],
                         input=x.astype("<f4").tobytes(), stdout=subprocess.PIPE, check=True, timeout=60).stdout
    return np.frombuffer(out, np.float64).reshape(len(x), -1)


def statistics(values, strategy, factor, window, counts):
    """Average and deviation of values: [n, d], of which the last is the counts[-1]-th embedding."""
    first, later = values[:1], values[1:]
    if len(later) == 0:
        return first[0], np.zeros_like(first[0])
    if strategy == WINDOW:
        return later[-window:].mean(0), later[-window:].std(0)
    # The weight of the k-th value in the average is its own share, and what each later one left of it.
    shares = np.full(len(later), factor) if strategy == EMA else 1 / np.asarray(counts[1:], float)
    averages = [first[0]]
    for n in range(1, len(values)):
        weights = np.append(1.0, shares[:n]) * np.append(np.cumprod(1 - shares[:n][::-1])[::-1], 1.0)
        averages.append(weights @ values[:n + 1])
    averages = np.array(averages)
    if strategy == EMA:
        left = (1 - factor) ** np.arange(len(later) - 1, -1, -1)
        return averages[-1], np.sqrt((factor * left) @ (later - averages[1:]) ** 2)
    return averages[-1], np.sqrt(((later - averages[:-1]) * (later - averages[1:])).sum(0) / (counts[-1] - 1))


def changes(x, strategy, threshold, warmup, factor, window):
    x = x.astype(np.float32).astype(np.float64)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    rows, cosines = [], []
    average = None
    for n in range(1, len(x) + 1):
        z, percentile = 0.0, 0.5
        if n > 1:
            cosines.append(x[n - 1] @ average / np.linalg.norm(average))
            m, s = statistics(np.array(cosines)[:, None], strategy, factor, window, range(2, n + 1))
            if s[0] > 0:
                z = (cosines[-1] - m[0]) / s[0]
                percentile = 1 - 0.5 * (1 + math.erf(z / math.sqrt(2)))
        average, std = statistics(x[:n], strategy, factor, window, range(1, n + 1))
        warming = n <= warmup
        outlier = not warming and (percentile <= threshold / 2 or percentile >= 1 - threshold / 2)
        rows.append(np.concatenate([[outlier, warming, percentile, z], average, std]))
    return np.array(rows)


def outliers(x, threshold, warmup, window):
    x = x.astype(np.float32).astype(np.float64)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    rows = []
    for n in range(1, len(x) + 1):
        if n < warmup:
            rows.append([0, 1, 0.5])
            continue
        seen = x[max(0, n - window):n]
        mean = seen.sum(0)
        mean = mean / np.linalg.norm(mean) if len(seen) > 1 else x[n - 1]
        t = seen @ mean
        percentile = np.searchsorted(np.sort(t), t[-1] - 1e-13, side="left") / len(t)
        rows.append([percentile < threshold or percentile > 1 - threshold, 0, percentile])
    return np.array(rows, float)


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
