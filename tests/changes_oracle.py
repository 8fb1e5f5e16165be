"""The statistics of changes and outliers in NumPy: each figure from its definition over the whole history,
not from running sums."""
import math

import numpy as np

EMA, SMA, WINDOW = range(3)


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
