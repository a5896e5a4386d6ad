"""The sections ``recording`` and ``noise``: what two things cost, timed in turn without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archsim.bench.aims import READ_NOISE, RECORDING, Claim, Figure, at_most
from archsim.bench.network import Recording, TimedNetwork, timed_network
from archsim.bench.paired import REPEATS, Paired, paired_times
from archsim.bench.speed import Progress, case_name, sizes
from archsim.config.load import load_config

NOISE = 0.01
"""Read noise of a device over its conductance."""

_ASSUMED = "'assumed: for the benchmark'"


def quiet_and_noisy(config: Path) -> tuple[str, str]:
    """Return overrides that make devices ideal, and that give them read noise and nothing else."""
    device = load_config(config).config.device
    span = f"g_min: {device.g_min} S, g_max: {device.g_max} S"
    sources = ", ".join(f"{key}: {_ASSUMED}" for key in ("g_min", "g_max", "read_noise"))
    noise = f"read_noise: {{sigma_relative: {NOISE}}}, sources: {{{sources}}}"
    return f"device={{model: ideal, {span}}}", f"device={{model: memristor, {span}, {noise}}}"


@dataclass(frozen=True)
class Overhead:
    """One timestep with something and without it.

    Attributes
    ----------
    network : str
        Name of the network.
    batch, timesteps : int
        Sequences that run together, their length.
    recording : str
        What is kept in the slower of the two.
    with_us, without_us : float
        Time of one timestep of the whole batch, us.
    ratio : Figure
        The first over the second, median of pairs.
    """

    network: str
    batch: int
    timesteps: int
    recording: str
    with_us: float
    without_us: float
    ratio: Figure


@dataclass(frozen=True)
class Overheads:
    """What a section measured.

    Attributes
    ----------
    what : str
        What is there in one of two runs and not in the other.
    cases : tuple of Overhead
        The figures.
    """

    what: str
    cases: tuple[Overhead, ...]

    def claims(self) -> Iterator[Claim]:
        """Yield the section's figures."""
        for case in self.cases:
            name = case_name(case.network, case.batch, case.recording)
            yield Claim(f"{name}: time with {self.what} over without", case.ratio)


def measure_recording(
    networks: tuple[Path, ...], progress: Progress, *, repeats: int = REPEATS
) -> Overheads:
    """Time runs that record activity and energy of every cycle beside runs that record nothing."""
    plan = [(config, *size) for config in networks for size in sizes(config)]
    cases = []
    for config, batch, timesteps in plan:
        cases.append(_recording_case(config, batch, timesteps, repeats))
        progress(len(cases), len(plan))
    return Overheads("recording", tuple(cases))


def _recording_case(config: Path, batch: int, timesteps: int, repeats: int) -> Overhead:
    network = timed_network(config, batch=batch, timesteps=timesteps)
    network.check()
    times = paired_times(
        lambda: network.run(Recording.CYCLES), lambda: network.run(Recording.OFF), repeats=repeats
    )
    return _overhead(config, network, Recording.CYCLES, times, RECORDING)


def measure_noise(
    networks: tuple[Path, ...], progress: Progress, *, repeats: int = REPEATS
) -> Overheads:
    """Time chips whose devices have read noise and are else ideal beside chips of ideal devices."""
    plan = [
        (config, *size, recording)
        for config in networks
        for size in sizes(config)
        for recording in (Recording.OFF, Recording.CYCLES)
    ]
    cases = []
    for config, batch, timesteps, recording in plan:
        cases.append(_noise_case(config, batch, timesteps, recording, repeats))
        progress(len(cases), len(plan))
    return Overheads("read noise", tuple(cases))


def _noise_case(
    config: Path, batch: int, timesteps: int, recording: Recording, repeats: int
) -> Overhead:
    quiet, noisy = (
        timed_network(config, batch=batch, timesteps=timesteps, overrides=(device,))
        for device in quiet_and_noisy(config)
    )
    for network in (noisy, quiet):
        network.check()
    times = paired_times(
        lambda: noisy.run(recording), lambda: quiet.run(recording), repeats=repeats
    )
    aims = READ_NOISE if recording is Recording.CYCLES else {}
    return _overhead(config, noisy, recording, times, aims)


def _overhead(
    config: Path,
    network: TimedNetwork,
    recording: Recording,
    times: Paired,
    aims: dict[tuple[str, int], float],
) -> Overhead:
    return Overhead(
        network=config.stem,
        batch=network.batch,
        timesteps=network.timesteps,
        recording=str(recording),
        with_us=times.ours / network.timesteps * 1e6,
        without_us=times.theirs / network.timesteps * 1e6,
        ratio=at_most(times.ratio, aims.get((config.stem, network.batch))),
    )
