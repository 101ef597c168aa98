"""What a finder searches: one plane of flat noise, the gain of each pixel, and the noise of each place.

Noise is the same everywhere in the primary-beam-corrected image times the primary beam, and in an uncorrected image as
it is, as far as the primary beam goes; `local_noise.py` measures what differs beyond it. Cubes are read channel by
channel and never held as a whole.
"""

import math
from dataclasses import dataclass

import numpy as np
from fitsimage import Given, Image, ImageError, read_gain, read_image
from gaussians import axes_matrix
from local_noise import NoiseMap, correlation, level_and_noise, noise, noise_map

LEVEL = 2  # in units of the noise; what lies further from zero has a background, or is full of emission


@dataclass(frozen=True)
class Field:
    """What is searched: flat noise, the gain of every pixel, and how pixels are on the sky."""

    flat: np.ndarray  # in `image.unit` before the primary-beam correction, float32; NaN where there is nothing
    gain: np.ndarray  # float32
    gain_is_model: bool
    image: Image
    channels: int  # that were averaged
    channel: int = 0  # the one that this is, from 1; 0: a mean
    own_beam: object = None  # of the channel
    own_freq_hz: float = math.nan

    @property
    def wcs(self):
        """The celestial axes, longitude first, in the image's own frame."""
        return self.image.wcs

    @property
    def beam(self):
        """The clean beam; its position angle is that of the image's own frame."""
        return self.own_beam or self.image.beam

    @property
    def beam_is_given(self):
        """Whether the user gave the beam, not the image."""
        return self.image.beam_origin == "given"

    @property
    def freq_hz(self):
        """Frequency of the channel or of the middle of the band; NaN where there is none."""
        return self.own_freq_hz if self.channel else self.image.freq_hz

    @property
    def longest_fwhm(self):
        """Longer width of the beam in pixels."""
        return self.beam.major / self.image.pixel_deg

    @property
    def beam_inverse(self):
        """Inverse covariance of the beam in pixels, as (xx, xy, yy)."""
        pixel = np.linalg.inv(self.wcs.pixel_scale_matrix)
        inverse = np.linalg.inv(pixel @ axes_matrix(self.beam) @ pixel.T)
        return inverse[0, 0], inverse[0, 1], inverse[1, 1]


@dataclass(frozen=True)
class Depth:
    """The noise of a field."""

    rms: float  # of all that is searched
    map: NoiseMap
    smoothed: float  # width in beams of what white noise is smoothed with to look like this

    def at(self, x, y):
        """Noise at pixels counted from 0."""
        found = self.map.at(x, y)
        return float(found) if np.ndim(found) == 0 else found

    def over(self, shape):
        """Noise of every pixel."""
        return self.map.over(shape)


def given(args):
    """What the options say of the image."""
    return Given(
        beam_arcsec=args.beam_arcsec, freq_ghz=args.freq_ghz, unit=args.unit, dish_m=args.dish_m,
        image_is=args.image_is, other_unit=args.other_unit, stokes=args.stokes,
    )  # fmt: skip


def read_fields(args):
    """The fields of an image, one after the other: the mean of its channels, or each with `--cube channels`.

    A mean is weighted by 1 / rms^2; channels without noise are left out.

    Raises
    ------
    ImageError
        If there is nothing to search.
    """
    with read_image(args.image, given(args)) as image, read_gain(image, args.beam, given(args)) as gain:
        for note in image.notes:
            print(f"note: {note}")
        if image.turned and args.latitude_first == "fail":
            raise ImageError(
                "the latitude axis comes before the longitude axis, which is seldom meant: "
                "compare one position with the sky, then search with the parameter latitude_first=search"
            )
        if image.beam.minor < image.pixel_deg:  # windows of the noise would be smaller than a pixel
            wide, pixel = image.beam.minor * 3600, image.pixel_deg * 3600
            raise ImageError(f"the beam is narrower than a pixel: {wide:.3g} arcsec, a pixel has {pixel:.3g}")
        chosen = channels(args.channels, image.channels)
        if args.cube == "channels" and image.channels > 1:
            yield from single(image, gain, chosen)
        else:
            yield mean(image, gain, chosen)


def channels(words, number):
    """Channels from 0 that the option names: all, one (`4`) or a range of both ends (`3:8`), counted from 1."""
    if not words:
        return range(number)
    first, _, last = words.partition(":")
    try:
        found = range(int(first) - 1, int(last or first))
    except ValueError as error:
        raise ImageError(f"channels {words!r} is neither a number nor a range such as 3:8") from error
    if found.start < 0 or found.stop > number or not found:
        raise ImageError(f"channels {words!r} is not among the {number} channels of the image, counted from 1")
    return found


def single(image, gain, chosen):
    """A field of each channel that has noise."""
    seen = False
    for channel in chosen:
        flat, weight = flat_plane(image, gain, channel)
        if noise(flat) > 0:
            seen = True
            beam = image.beams[channel] if len(image.beams) == image.channels else None
            freq = float(image.world.freqs_hz[channel])
            yield Field(flat, weight, gain.origin == "model", image, 1, channel + 1, beam, freq)
    if not seen:
        raise ImageError(empty_because(image, gain))


def mean(image, gain, chosen):
    """The field of the mean of channels; one channel is in memory at a time, and the two sums."""
    if len(chosen) == 1:
        flat, weight = flat_plane(image, gain, chosen[0])
        if not noise(flat) > 0:
            raise ImageError(empty_because(image, gain))
        return Field(flat, weight, gain.origin == "model", image, 1)
    total, used = 0.0, 0
    sums = [np.zeros(image.shape), np.zeros(image.shape)]
    for channel in chosen:
        flat, weight = flat_plane(image, gain, channel)
        rms = noise(flat)
        if rms > 0:
            total, used = total + rms**-2, used + 1
            sums[0] += flat * rms**-2
            sums[1] += weight * rms**-2
    if not used:
        raise ImageError(empty_because(image, gain))
    flat, weight = (np.divide(added, total, out=added).astype(np.float32) for added in sums)
    return Field(flat, weight, gain.origin == "model", image, used)


def flat_plane(image, gain, channel):
    """One channel with the same noise everywhere, and its gain; NaN where either has no value."""
    flat = image.plane(channel).astype(np.float32, copy=False)
    weight = np.asarray(gain.plane(channel), dtype=np.float32)
    if image.correction == "corrected":
        flat *= weight
    flat[~(weight > 0)] = np.nan
    return flat, weight


def empty_because(image, gain):
    """Why no channel has noise to search in."""
    any_value = any_gain = False
    for channel in range(image.channels):
        valued = np.isfinite(image.plane(channel))
        any_value |= bool(valued.any())
        any_gain |= bool((valued & (gain.plane(channel) > 0)).any())
    if not any_value:
        return "all pixels are exactly zero or NaN" if image.has_zero_areas else "all pixels are NaN"
    return (
        "rms is zero: most pixels with a value are exactly zero"
        if any_gain
        else "no pixel with a value has a gain above zero"
    )


def without_level(field, searched, answer):
    """Take the level of an image off its pixels, in place, and give it: 0 where they lie around zero.

    Raises
    ------
    ImageError
        If there is a level and `answer` is ``fail``.
    """
    level, spread = level_and_noise(field.flat, searched)
    if abs(level) <= LEVEL * spread:
        return 0.0
    if answer == "fail":
        raise ImageError(
            f"the pixels lie around {level:.3g} with a noise of {spread:.3g}, and not around zero "
            "(parameter level=subtract takes that off)"
        )
    field.flat[...] -= level
    return level


def measure_depth(field, searched, noise_beams):
    """The noise of a field, in windows of so many beams; one number where `noise_beams` is 0.

    Raises
    ------
    ImageError
        If there is no noise.
    """
    rms = noise(field.flat, searched)
    if not rms > 0:
        raise ImageError("rms is zero: the image is empty")
    window = noise_beams * field.longest_fwhm if noise_beams else math.inf
    made = noise_map(field.flat, searched, window)
    length = correlation(field.flat, made, searched, field.beam_inverse)
    return Depth(rms, made, length / math.sqrt(2))
