"""Functionals: one vector of fixed length for a recording of any length.

They are the classical summary of a voice (in the spirit of eGeMAPS, with modulation spectra,
contour shapes and correlations between descriptors), computed with masks so that padding and
silence around the speech change nothing. The gain of the recording changes nothing but those whose
names begin with `level_`.

Shapes: B recordings, T frames of 20 ms, M mel bands, Q quantiles, D functionals.

Source: Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research
and Affective Computing", IEEE Transactions on Affective Computing 7(2), 2016, for the choice of
balances, slopes and loudness functionals.
Differs from the source: written afresh on another frame grid, with loudness as a power of the mel
bands' power, with bends of F0 and energy instead of jitter and shimmer of single periods, and
without formants: three of them by linear prediction made no difference on unseen corpora.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clser_engine.audio.features import (
    FRAME_RATE_HZ,
    MEL_BANDS,
    MEL_HIGH_HZ,
    MEL_LOW_HZ,
    POWER_FLOOR,
    VOICED_ABOVE,
    Descriptors,
)
from clser_engine.audio.masked import (
    both,
    change,
    masked_correlation,
    masked_correlations,
    masked_mean,
    masked_moments,
    masked_quantiles,
    smooth,
)

ACTIVE_BELOW_PEAK_DB = 38.0
PAUSE_BELOW_PEAK_DB = 30.0
LEVEL_FLOOR = 1e-5  # of the mean mel power: 50 dB below the level of the speech
CEPSTRA = 16
PROFILE_BANDS = 20
MODULATION_HZ = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 13.0, 17.0)
CONTOUR_TERMS = 4
LOUDNESS_EXPONENT = 0.25
RELATED_CEPSTRA = 5


def mel_centres_hz() -> NDArray[np.float64]:
    """Return the centre of each mel band in Hz, (M,)."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (MEL_LOW_HZ, MEL_HIGH_HZ))
    centres: NDArray[np.float64] = 700 * (
        10 ** (np.linspace(low, high, MEL_BANDS + 2)[1:-1] / 2595) - 1
    )
    return centres


def cosine_terms(size: int, terms: int) -> NDArray[np.float64]:
    """Return the orthonormal DCT-II terms 1 to `terms` (not the mean), (size, terms)."""
    position = (np.arange(size) + 0.5) / size
    phase = np.pi * position[:, None] * np.arange(1, terms + 1)
    table: NDArray[np.float64] = np.sqrt(2 / size) * np.cos(phase)
    return table


class Functionals(nn.Module):
    """Summary of the descriptors of whole recordings.

    Attributes:
        names: One name for each of the D functionals, in order.
    """

    cepstrum: Tensor
    profile: Tensor
    bands: Tensor
    slopes: Tensor
    centre_khz: Tensor
    cube_cepstrum: Tensor
    modulation_hz: Tensor

    def __init__(self) -> None:
        super().__init__()
        hz = mel_centres_hz()
        self._constant("cepstrum", cosine_terms(MEL_BANDS, CEPSTRA))
        edges = np.linspace(0, MEL_BANDS, PROFILE_BANDS + 1).round().astype(int)
        profile = np.zeros((MEL_BANDS, PROFILE_BANDS))
        for band, (start, end) in enumerate(pairwise(edges)):
            profile[start:end, band] = 1 / (end - start)
        self._constant("profile", profile)
        limits = (
            (0, 500),
            (500, 1000),
            (1000, 2000),
            (2000, 4000),
            (4000, 8000),
            (50, 1000),
            (1000, 5000),
        )
        bands = [(hz >= low) & (hz < high) for low, high in limits]
        self._constant("bands", np.stack([band / band.sum() for band in bands], axis=1))
        # Least-squares slopes in dB per kHz, and the centroid's weights.
        slopes = []
        for low, high in ((0, 500), (500, 1500), (1500, 5000)):
            inside = (hz >= low) & (hz < high)
            centred = np.where(inside, hz - hz[inside].mean(), 0) / 1000
            slopes.append(centred / (centred**2).sum())
        self._constant("slopes", np.stack(slopes, axis=1))
        self._constant("centre_khz", hz / 1000)
        self._constant("cube_cepstrum", cosine_terms(PROFILE_BANDS, 10))
        self._constant("modulation_hz", np.array(MODULATION_HZ))
        self._below_2k = int((hz < 2000).sum())
        self.names: tuple[str, ...] = ()
        with torch.no_grad():
            self.names = self._names()

    def _constant(self, name: str, values: np.ndarray) -> None:
        tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        self.register_buffer(name, tensor, persistent=False)

    def _names(self) -> tuple[str, ...]:
        """Name every number by running once over a little silence."""
        silence = torch.zeros(1, 4)
        descriptors = Descriptors(
            valid=silence == 0,
            mel=torch.zeros(1, 4, MEL_BANDS),
            energy_db=silence,
            f0_semitones=silence,
            periodicity=silence,
            tilt_db=torch.zeros(1, 4, 2),
        )
        names: list[str] = []
        for name, values in self._groups(descriptors):
            size = values.shape[1]
            names += [name] if size == 1 else [f"{name}_{i}" for i in range(size)]
        return tuple(names)

    def forward(self, descriptors: Descriptors) -> Tensor:
        """Return the functionals (B, D), finite for any descriptors."""
        return torch.cat([values for _, values in self._groups(descriptors)], dim=1)

    def _groups(self, d: Descriptors) -> list[tuple[str, Tensor]]:
        """Return named groups of functionals, each (B, k)."""
        peak_db = d.energy_db.masked_fill(~d.valid, -200.0).amax(dim=1, keepdim=True)  # (B, 1)
        active = d.valid & (d.energy_db > peak_db - ACTIVE_BELOW_PEAK_DB)  # (B, T)
        loud_enough = d.valid & (d.energy_db > peak_db - PAUSE_BELOW_PEAK_DB)
        # From the first to the last active frame: what is left when silence is trimmed.
        seen = active.to(d.mel.dtype)
        span = (seen.cumsum(dim=1) > 0) & (seen.flip(1).cumsum(dim=1).flip(1) > 0) & d.valid
        voiced = active & (d.periodicity > VOICED_ABOVE)

        level = masked_mean(d.mel.mean(dim=2, keepdim=True), active)[:, :, None]  # (B, 1, 1)
        mel = d.mel / (level + 1e-10)  # (B, T, M), gain gone
        log_mel = (10 / math.log(10)) * torch.log(mel + LEVEL_FLOOR)  # dB
        energy = d.energy_db - masked_mean(d.energy_db[:, :, None], active)  # (B, T) dB re mean
        energy = energy.clamp(min=-60.0)
        bands = log_mel @ self.bands  # (B, T, 7)
        power_bands = 10 * torch.log10(mel @ self.bands + LEVEL_FLOOR)

        median = masked_quantiles(d.f0_semitones, voiced, (0.5,))  # (B, 1)
        relative_f0 = (d.f0_semitones - median).clamp(-14.0, 14.0) * voiced  # (B, T)
        groups = self._pitch(d, relative_f0, voiced, span)
        groups += self._energy(d, energy, active, loud_enough, span, mel)
        groups += self._spectrum(log_mel, power_bands, mel, active, voiced, energy)
        groups += self._relations(relative_f0, energy, bands, voiced)
        groups += self._level(d, active, voiced)
        groups += self._correlations(d, log_mel, energy, relative_f0, bands, active)
        groups += self._modulation(energy, bands, relative_f0, active, voiced, span)
        return groups

    def _pitch(
        self, d: Descriptors, f0: Tensor, voiced: Tensor, span: Tensor
    ) -> list[tuple[str, Tensor]]:
        mean, deviation = masked_moments(d.f0_semitones[:, :, None], voiced)
        quantiles = masked_quantiles(d.f0_semitones, voiced, (0.05, 0.2, 0.5, 0.8, 0.95))
        pairs = both(voiced)
        delta = change(f0)
        pairs = pairs & (delta.abs() < 3)  # an octave error is no movement of the voice
        bend = change(delta)
        triples = both(pairs)
        time = torch.arange(f0.shape[1], dtype=f0.dtype, device=f0.device) / FRAME_RATE_HZ
        time = time[None].expand_as(f0)  # (B, T) s
        centred = (time - masked_mean(time[:, :, None], voiced)) * voiced
        slope = (centred * f0).sum(dim=1, keepdim=True) / (
            centred.square().sum(dim=1, keepdim=True) + 0.05
        )
        rising, falling = pairs & (delta > 0), pairs & (delta < 0)
        moves = torch.stack([delta.abs(), bend.abs()], dim=2)
        duration = span.sum(dim=1, keepdim=True).to(f0.dtype) / FRAME_RATE_HZ + 0.1  # (B, 1) s
        voiced_s = voiced.sum(dim=1, keepdim=True).to(f0.dtype) / FRAME_RATE_HZ
        starts = voiced & ~both(voiced)
        segments = starts.sum(dim=1, keepdim=True).to(f0.dtype)
        unvoiced = span & ~voiced
        gaps = (unvoiced & ~both(unvoiced)).sum(dim=1, keepdim=True).to(f0.dtype)
        gap_s = unvoiced.sum(dim=1, keepdim=True).to(f0.dtype) / FRAME_RATE_HZ
        hnr = 10 * torch.log10((d.periodicity / (1 - d.periodicity + 1e-3)).clamp(min=1e-2))
        hnr_mean, hnr_deviation = masked_moments(hnr[:, :, None], voiced)
        tilt_mean, tilt_deviation = masked_moments(d.tilt_db, voiced)
        return [
            ("f0_mean", mean),
            ("f0_std", deviation),
            ("f0_quantile", quantiles[:, [0, 1, 2, 3, 4]]),
            ("f0_range_20_80", quantiles[:, 3:4] - quantiles[:, 1:2]),
            ("f0_range_5_95", quantiles[:, 4:5] - quantiles[:, 0:1]),
            ("f0_slope", slope),
            ("f0_change", masked_mean(moves, pairs)[:, :1]),
            ("f0_change_quantile", masked_quantiles(delta.abs(), pairs, (0.5, 0.9))),
            ("f0_bend", masked_mean(moves, triples)[:, 1:]),
            ("f0_rise", masked_mean(delta[:, :, None], rising)),
            ("f0_fall", masked_mean(delta[:, :, None], falling)),
            ("f0_rising_share", masked_mean((delta > 0).to(f0.dtype)[:, :, None], pairs)),
            ("voiced_share", voiced_s / duration),
            ("voiced_segments_per_s", segments / duration),
            ("voiced_length_s", voiced_s / segments.clamp(min=1)),
            ("unvoiced_length_s", gap_s / gaps.clamp(min=1)),
            ("periodicity_quantile", masked_quantiles(d.periodicity, voiced, (0.2, 0.5, 0.8))),
            ("periodicity_active", masked_mean(d.periodicity[:, :, None], span)),
            ("hnr_mean", hnr_mean),
            ("hnr_std", hnr_deviation),
            ("harmonics_mean", tilt_mean),
            ("harmonics_std", tilt_deviation),
        ]

    def _energy(
        self,
        d: Descriptors,
        energy: Tensor,
        active: Tensor,
        loud_enough: Tensor,
        span: Tensor,
        mel: Tensor,
    ) -> list[tuple[str, Tensor]]:
        quantiles = masked_quantiles(energy, active, (0.05, 0.2, 0.5, 0.8, 0.95))
        _, deviation = masked_moments(energy[:, :, None], active)
        skew = masked_mean((energy[:, :, None] / deviation[:, None]).pow(3), active)
        delta = change(energy)
        pairs = both(active)
        bend = change(delta)
        voiced_pairs = pairs & (d.periodicity > VOICED_ABOVE)
        duration = span.sum(dim=1, keepdim=True).to(energy.dtype) / FRAME_RATE_HZ + 0.1
        end = (d.valid.sum(dim=1, keepdim=True) - 1).clamp(min=0)  # padding goes on as it ended
        smoothed = smooth(torch.where(d.valid, energy, energy.gather(1, end)))
        smoothed = torch.where(d.valid, smoothed, smoothed.gather(1, end))
        before = torch.cat([smoothed[:, :1], smoothed[:, :-1]], dim=1)
        after = torch.cat([smoothed[:, 1:], smoothed[:, -1:]], dim=1)
        peaks = active & (smoothed > before) & (smoothed >= after) & (smoothed > -10)
        pauses = span & ~loud_enough
        pause_starts = pauses & ~both(pauses)
        pause_s = pauses.sum(dim=1, keepdim=True).to(energy.dtype) / FRAME_RATE_HZ
        loudness = mel.clamp(min=0).add(1e-6).pow(1 / 3).mean(dim=2)  # (B, T)
        loud_mean, loud_deviation = masked_moments(loudness[:, :, None], active)
        loud_quantiles = masked_quantiles(loudness, active, (0.2, 0.5, 0.8))
        loud_change = change(loudness)
        return [
            ("energy_std", deviation),
            ("energy_skew", skew),
            ("energy_quantile", quantiles),
            ("energy_range_20_80", quantiles[:, 3:4] - quantiles[:, 1:2]),
            ("energy_change", masked_mean(delta.abs()[:, :, None], pairs)),
            ("energy_bend_voiced", masked_mean(bend.abs()[:, :, None], both(voiced_pairs))),
            ("energy_rise", masked_mean(delta[:, :, None], pairs & (delta > 0))),
            ("energy_fall", masked_mean(delta[:, :, None], pairs & (delta < 0))),
            ("energy_peaks_per_s", peaks.sum(dim=1, keepdim=True) / duration),
            ("pause_share", pause_s / duration),
            ("pauses_per_s", pause_starts.sum(dim=1, keepdim=True) / duration),
            ("loudness_variation", loud_deviation / (loud_mean + 1e-3)),
            ("loudness_quantile", loud_quantiles / (loud_mean + 1e-3)),
            ("loudness_mean", loud_mean),
            ("loudness_rise", masked_mean(loud_change[:, :, None], pairs & (loud_change > 0))),
            ("loudness_fall", masked_mean(loud_change[:, :, None], pairs & (loud_change < 0))),
        ]

    def _spectrum(
        self,
        log_mel: Tensor,
        power_bands: Tensor,
        mel: Tensor,
        active: Tensor,
        voiced: Tensor,
        energy: Tensor,
    ) -> list[tuple[str, Tensor]]:
        cepstra = log_mel @ self.cepstrum  # (B, T, 16)
        cepstra_mean, cepstra_deviation = masked_moments(cepstra, active)
        voiced_mean, voiced_deviation = masked_moments(cepstra[:, :, :6], voiced)
        pairs = both(active)

        alpha = power_bands[:, :, 5] - power_bands[:, :, 6]
        below, above = log_mel[:, :, : self._below_2k], log_mel[:, :, self._below_2k : -12]
        hammarberg = below.amax(dim=2) - above.amax(dim=2)
        slopes = log_mel @ self.slopes  # (B, T, 3)
        share = mel / (mel.sum(dim=2, keepdim=True) + 1e-6)  # (B, T, M)
        centroid = (share * self.centre_khz).sum(dim=2)  # (B, T)
        entropy = -(share * torch.log(share + 1e-8)).sum(dim=2)
        flux = change(log_mel).abs().mean(dim=2)
        low_high = power_bands[:, :, :2].amax(dim=2) - power_bands[:, :, 3]
        shape = torch.stack([alpha, hammarberg, centroid, entropy, flux, low_high], dim=2)
        shape = torch.cat([shape, slopes], dim=2)  # (B, T, 9)
        shape_mean, shape_deviation = masked_moments(shape, voiced)
        unvoiced = active & ~voiced
        threshold = masked_quantiles(energy, active, (0.67,))
        loud, weak = active & (energy >= threshold), active & (energy < threshold)

        profile = log_mel @ self.profile  # (B, T, 20)
        profile_mean, profile_deviation = masked_moments(profile, active)
        contrast = masked_mean(profile, loud) - masked_mean(profile, weak)
        cube = (mel @ self.profile).clamp(min=0).add(1e-6).pow(1 / 3)  # (B, T, 20)
        cube = cube @ self.cube_cepstrum  # (B, T, 10)
        cube_mean, cube_deviation = masked_moments(cube, active)
        return [
            ("cepstrum_mean", cepstra_mean),
            ("cepstrum_std", cepstra_deviation),
            ("cepstrum_change", masked_mean(change(cepstra).abs(), pairs)),
            ("cepstrum_voiced_mean", voiced_mean),
            ("cepstrum_voiced_std", voiced_deviation),
            ("shape_voiced_mean", shape_mean),
            ("shape_voiced_std", shape_deviation),
            ("shape_unvoiced_mean", masked_mean(shape, unvoiced)),
            ("shape_loud_mean", masked_mean(shape, loud)),
            ("profile_mean", profile_mean),
            ("profile_std", profile_deviation),
            ("profile_change", masked_mean(change(profile).abs(), pairs)),
            ("profile_contrast", contrast),
            ("loudness_cepstrum_mean", cube_mean),
            ("loudness_cepstrum_std", cube_deviation),
        ]

    def _relations(
        self, f0: Tensor, energy: Tensor, bands: Tensor, voiced: Tensor
    ) -> list[tuple[str, Tensor]]:
        tilt = bands[:, :, 3] - bands[:, :, 0]
        return [
            ("f0_energy_correlation", masked_correlation(f0, energy, voiced)),
            ("f0_tilt_correlation", masked_correlation(f0, tilt, voiced)),
            ("energy_tilt_correlation", masked_correlation(energy, tilt, voiced)),
        ]

    @staticmethod
    def _level(d: Descriptors, active: Tensor, voiced: Tensor) -> list[tuple[str, Tensor]]:
        """How loud the recording is in absolute terms: full scale is about 1."""
        bands = d.mel.clamp(min=0).add(1e-10).pow(LOUDNESS_EXPONENT)  # (B, T, M)
        loudness = bands.mean(dim=2)  # (B, T)
        mean, _ = masked_moments(loudness[:, :, None], active)
        quantiles = masked_quantiles(loudness, active, (0.2, 0.5, 0.8))
        pairs = both(active)
        slope = change(loudness) * FRAME_RATE_HZ  # per second
        rise, rise_deviation = masked_moments(slope[:, :, None], pairs & (slope > 0))
        fall, fall_deviation = masked_moments(slope[:, :, None], pairs & (slope < 0))
        flux = change(bands).abs().mean(dim=2, keepdim=True) * FRAME_RATE_HZ
        power = masked_mean(d.energy_db[:, :, None].mul(math.log(10) / 10).exp(), active)
        return [
            ("level_mean", mean),
            ("level_quantile", quantiles),
            ("level_range_20_80", quantiles[:, 2:] - quantiles[:, :1]),
            ("level_rise_mean", rise),
            ("level_rise_std", rise_deviation),
            ("level_fall_mean", fall),
            ("level_fall_std", fall_deviation),
            ("level_flux", masked_mean(flux, pairs)),
            ("level_flux_voiced", masked_mean(flux, both(voiced))),
            ("level_flux_unvoiced", masked_mean(flux, pairs & ~voiced)),
            ("level_db", 10 * torch.log10(power + POWER_FLOOR)),
        ]

    def _correlations(
        self,
        d: Descriptors,
        log_mel: Tensor,
        energy: Tensor,
        f0: Tensor,
        bands: Tensor,
        active: Tensor,
    ) -> list[tuple[str, Tensor]]:
        """How descriptors go together; neither gain nor the colour of a room changes that."""
        share = d.mel / (d.mel.sum(dim=2, keepdim=True) + POWER_FLOOR)
        centroid = (share * self.centre_khz).sum(dim=2)  # (B, T)
        cepstra = log_mel @ self.cepstrum[:, :RELATED_CEPSTRA]
        related = [
            energy,
            f0,
            d.periodicity,
            bands[:, :, 3] - bands[:, :, 2],
            bands[:, :, 2] - bands[:, :, 0],
            centroid,
        ]
        values = torch.cat([torch.stack(related, dim=2), cepstra, d.tilt_db], dim=2)
        changes = change(values)  # (B, T, 13)
        f0_change = changes[:, :, 1].clamp(-3.0, 3.0)  # a jump of the tracker is no movement
        amounts = [
            changes[:, :, 0].abs(),
            f0_change.abs(),
            change(log_mel).abs().mean(dim=2),
        ]
        changes = torch.cat([changes[:, :, :1], f0_change[:, :, None], changes[:, :, 2:]], dim=2)
        together = torch.cat([values, torch.stack(amounts, dim=2)], dim=2)  # (B, T, 16)
        return [
            ("correlation", masked_correlations(together, active)),
            ("correlation_of_changes", masked_correlations(changes, both(active))),
        ]

    def _modulation(
        self,
        energy: Tensor,
        bands: Tensor,
        f0: Tensor,
        active: Tensor,
        voiced: Tensor,
        span: Tensor,
    ) -> list[tuple[str, Tensor]]:
        """Modulation spectra and contour shapes within the trimmed span."""
        low, high = bands[:, :, 0], bands[:, :, 3]
        contours = torch.stack([energy, low, high], dim=2)  # (B, T, 3)
        contours = (contours - masked_mean(contours, span)[:, None]) * span[:, :, None]
        contours = torch.cat([contours, (f0 * voiced)[:, :, None]], dim=2)  # (B, T, 4)
        count = span.sum(dim=1)[:, None, None].to(energy.dtype).clamp(min=1.0)  # (B, 1, 1)
        # Counted from the start of the span, so that silence before it does not turn the phase.
        position = (span.to(energy.dtype).cumsum(dim=1) - 1).clamp(min=0.0)[:, :, None]  # (B, T, 1)
        angle = 2 * math.pi / FRAME_RATE_HZ * position * self.modulation_hz  # (B, T, F)
        # A Hann window over the span keeps the slow contour out of the fast bands.
        window = (0.5 - 0.5 * torch.cos(2 * math.pi * (position + 0.5) / count)) * span[:, :, None]
        windowed = (contours * window).transpose(1, 2)  # (B, 4, T)
        real, imaginary = windowed @ torch.cos(angle), windowed @ torch.sin(angle)  # (B, 4, F)
        power = (real.square() + imaginary.square()) / count
        spectrum = torch.log(power.reshape(power.shape[0], 4, -1, 2).mean(dim=3) + 0.1)

        place = (position + 0.5) / count  # (B, T, 1), 0 to 1 over the span
        order = torch.arange(1, CONTOUR_TERMS + 1, device=energy.device, dtype=energy.dtype)
        terms = torch.cos(math.pi * place * order) * span[:, :, None]  # (B, T, K)
        f0_voiced = (f0 - masked_mean(f0[:, :, None], voiced)) * voiced  # (B, T)
        f0_shape = (f0_voiced[:, :, None] * terms).sum(dim=1) / voiced.sum(dim=1)[:, None].clamp(
            min=1
        )
        energy_shape = masked_mean(energy[:, :, None] * terms, active)
        return [
            ("modulation", spectrum.flatten(1)),
            ("f0_contour", f0_shape),
            ("energy_contour", energy_shape),
        ]
