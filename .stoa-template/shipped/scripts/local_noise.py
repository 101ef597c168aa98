"""The noise of an image where it is: a map from windows of some beams, and how far the noise is correlated.

Everything is measured about zero, where an interferometer's image has its mean. Needs numpy alone.
"""

import math
from dataclasses import dataclass

import numpy as np

LEAST_BEAMS = 30.0  # beams' areas of pixels that a window needs to have noise of its own
STEP = 1.3  # of neighbouring windows; what differs by more is an edge between two depths
MANY = 2_000_000  # pixels that are looked at for one number
WINDOW = 2000  # pixels that are looked at in a window
TILE = 512  # pixels along each side of what the correlation is measured in
SHORTEST, LONGEST = 0.2, 3.0  # of the correlation in beams; what is outside was no noise


def noise(values, used=None):
    """Robust rms about zero: median of |value|, outliers clipped; 0 for nothing.

    Parameters
    ----------
    values
        An image or a list; of very many only some, evenly spread, are looked at.
    used
        Which of them count.
    """
    values = np.abs(some(values, used))
    rms = math.inf
    for _ in range(10):
        kept = values[values < 4 * rms]
        before, rms = rms, 1.4826 * float(np.median(kept)) if kept.size else 0.0
        if rms == before:
            break
    return rms


def level_and_noise(values, used=None):
    """The median, and the robust rms about it."""
    values = some(values, used)
    level = float(np.median(values)) if values.size else 0.0
    return level, noise(values - level)


def some(values, used=None):
    """The finite ones of some evenly spread values, as a list; of an image or a list."""
    step = math.ceil((values.size / MANY) ** (1 / values.ndim)) if values.size else 1
    thin = (slice(None, None, step),) * values.ndim
    values = values[thin] if used is None else values[thin][used[thin]]
    return values[np.isfinite(values)]


@dataclass(frozen=True)
class NoiseMap:
    """Noise at nodes of a grid: shape (my, mx), at pixels `first` + i * `step` along y and x."""

    nodes: np.ndarray
    first: tuple
    step: tuple

    def at(self, x, y):
        """Noise at pixels counted from 0, between the nodes by their distance, outside them that of the nearest."""
        (y0, y1, fy), (x0, x1, fx) = self.between(0, y), self.between(1, x)
        low = self.nodes[y0, x0] * (1 - fx) + self.nodes[y0, x1] * fx
        return low * (1 - fy) + (self.nodes[y1, x0] * (1 - fx) + self.nodes[y1, x1] * fx) * fy

    def between(self, axis, values):
        """Nodes before and after pixels along an axis, and how far these are from the first towards the second."""
        count = self.nodes.shape[axis]
        place = np.clip((np.asarray(values, dtype=float) - self.first[axis]) / self.step[axis], 0, count - 1)
        low = np.minimum(place.astype(int), max(count - 2, 0))
        return low, np.minimum(low + 1, count - 1), place - low

    def over(self, shape):
        """Noise of every pixel in single precision, shape (ny, nx), made row by row."""
        made = np.empty(shape, dtype=np.float32)
        x0, x1, fx = self.between(1, np.arange(shape[1]))
        columns = self.nodes[:, x0] * (1 - fx) + self.nodes[:, x1] * fx
        for row, (y0, y1, fy) in enumerate(zip(*self.between(0, np.arange(shape[0])), strict=True)):
            made[row] = columns[y0] * (1 - fy) + columns[y1] * fy
        return made


def noise_map(flat, searched, window):
    """Map of the noise from windows that overlap by half.

    An edge between two depths would be smeared over a window, and noise of the noisier side taken for sources: a node
    whose neighbour has more noise by STEP takes the neighbour's.

    Parameters
    ----------
    flat
        Image, shape (ny, nx).
    searched
        Which pixels count.
    window
        Its side in pixels, at least 2; an image of fewer than two windows has one number.
    """
    ny, nx = flat.shape
    counts = [max(1, round(2 * n / window) - 1) if n >= 2 * window else 1 for n in (ny, nx)]
    sides = [2 * n / (count + 1) if count > 1 else n for n, count in zip((ny, nx), counts, strict=True)]
    nodes = np.full(counts, np.nan)
    thin = max(1, int(math.sqrt(sides[0] * sides[1] / WINDOW))) if max(counts) > 1 else 1
    for j in range(counts[0]):
        for i in range(counts[1]):
            y, x = j * sides[0] / 2, i * sides[1] / 2
            part = slice(round(y), round(y + sides[0]), thin), slice(round(x), round(x + sides[1]), thin)
            inside = searched[part]
            if inside.sum() >= inside.size / 4 or max(counts) == 1:
                nodes[j, i] = noise(flat[part], inside)
    nodes[~(nodes > 0)] = np.nan
    return NoiseMap(
        nodes=stepped(filled(nodes)),
        first=tuple((side - 1) / 2 for side in sides),
        step=tuple(side / 2 for side in sides),
    )


def filled(nodes):
    """Nodes with those that are not known as the nearest known ones have it; all unknown stays so."""
    if not np.isfinite(nodes).any():
        return nodes
    while np.isnan(nodes).any():
        around = neighbours(nodes)
        known = np.isfinite(around)
        means = np.where(known, around, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        nodes = np.where(np.isnan(nodes) & known.any(axis=0), means, nodes)
    return nodes


def stepped(nodes):
    """Nodes beside an edge between two depths have the noise of the noisier side."""
    most = np.nanmax(neighbours(nodes), axis=0) if np.isfinite(nodes).any() else nodes
    return np.where(most > STEP * nodes, most, nodes)


def neighbours(nodes):
    """The nine nodes around each, shape (9, my, mx); the border's are repeated outside."""
    wide = np.pad(nodes, 1, mode="edge")
    my, mx = nodes.shape
    return np.stack([wide[j : j + my, i : i + mx] for j in range(3) for i in range(3)])


def correlation(flat, noise_at, searched, beam):
    """Width of the noise's autocorrelation along the beam, in beams: 1 where it is that of the clean beam.

    Measured in the middle of the image, what is above 4 sigma left out; where the autocorrelation has fallen to 0.5.

    Parameters
    ----------
    noise_at
        The `NoiseMap`.
    beam
        Inverse covariance of the clean beam in pixels, as (xx, xy, yy).
    """
    ny, nx = flat.shape
    y0, x0 = max((ny - TILE) // 2, 0), max((nx - TILE) // 2, 0)
    part = flat[y0 : y0 + TILE, x0 : x0 + TILE]
    py, px = np.indices(part.shape)
    scaled = part / noise_at.at(px + x0, py + y0)
    used = searched[y0 : y0 + TILE, x0 : x0 + TILE] & (np.abs(np.nan_to_num(scaled, nan=np.inf)) < 4)
    shape = [2 * n for n in part.shape]  # room for the lags, so that the ends do not meet
    lags = [
        np.fft.irfft2(np.abs(np.fft.rfft2(one, s=shape)) ** 2, s=shape) for one in (np.where(used, scaled, 0.0), used)
    ]
    counted = lags[1] > 0.2 * used.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(counted, lags[0] / lags[1], 0.0)
    ly, lx = (np.fft.fftfreq(n, 1 / n) for n in shape)
    form = beam[0] * lx[None, :] ** 2 + 2 * beam[1] * lx[None, :] * ly[:, None] + beam[2] * ly[:, None] ** 2
    distance = np.sqrt(form / (8 * math.log(2)))  # in beams
    near = counted & (distance < LONGEST)
    if not values[0, 0] > 0:
        return 1.0
    order = np.argsort(distance[near])
    radius, level = distance[near][order], values[near][order] / values[0, 0]
    bins = np.arange(0, LONGEST, 0.08)
    place = np.digitize(radius, bins)
    sums, numbers = np.bincount(place, level), np.bincount(place)
    seen = numbers > 0
    means, radii = sums[seen] / numbers[seen], np.bincount(place, radius)[seen] / numbers[seen]
    below = np.flatnonzero(means < 0.5)
    if not len(below) or not below[0]:
        return LONGEST if not len(below) else SHORTEST
    i = below[0]
    half = radii[i - 1] + (means[i - 1] - 0.5) / (means[i - 1] - means[i]) * (radii[i] - radii[i - 1])
    return float(np.clip(2 * half, SHORTEST, LONGEST))
