"""The section ``start``: how long commands take from the prompt to the prompt.

The interpreter's own files (``.pyc``) are there in every case; a fresh cache has no compiled
kernels.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archsim.bench.aims import KERNELS, START, Claim, Figure, at_most
from archsim.bench.process import archsim
from archsim.bench.speed import Progress
from archsim.numeric.cache.folder import KERNEL_SUFFIX
from archsim.simulation.profile import Part

REPEATS = 3


@dataclass(frozen=True)
class FirstStart:
    """A run that finds no compiled kernels.

    Attributes
    ----------
    seconds : float
        The whole command, s.
    compile_s : float
        Importing Numba and compiling, s.
    kernels : int
        Functions that were compiled and kept.
    """

    seconds: float
    compile_s: float
    kernels: int


@dataclass(frozen=True)
class Start:
    """What the section measured; medians, s.

    Attributes
    ----------
    network : str
        Name of the network.
    config : str
        Its configuration.
    help_s : float
        ``archsim --help``.
    validate_s : float
        ``archsim validate`` of the network's configuration.
    run_s : Figure
        ``archsim run`` of it with compiled kernels on disk.
    load_s : float
        Importing Numba and loading compiled kernels, part of `run_s`.
    kernels_s : Figure
        Waiting for kernels, part of `run_s`.
    first : FirstStart
        ``archsim run`` of it with a fresh cache, once.
    """

    network: str
    config: str
    help_s: float
    validate_s: float
    run_s: Figure
    load_s: float
    kernels_s: Figure
    first: FirstStart

    def claims(self) -> Iterator[Claim]:
        """Yield the section's figures."""
        yield Claim(f"{self.network}: second start of 'archsim run'", self.run_s, "s")
        yield Claim(f"{self.network}: waiting for kernels in it", self.kernels_s, "s")


def measure_start(
    networks: tuple[Path, ...], progress: Progress, *, repeats: int = REPEATS
) -> Start:
    """Time commands on the first network, with a fresh cache and a warm one."""
    config, of = networks[0], repeats + 1
    helps, validations, runs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        trace, cache = Path(folder) / "trace.h5", Path(folder) / "cache"
        profiled = ("run", config, "--profile", "--out", trace)
        fresh = archsim(*profiled, cache=cache)
        kept = (path.stem for path in cache.glob(f"*/*{KERNEL_SUFFIX}"))
        kernels = len({name.rpartition("-")[0] for name in kept})
        progress(1, of)
        for done in range(repeats):
            helps.append(archsim("--help").seconds)
            validations.append(archsim("validate", config).seconds)
            runs.append(archsim(*profiled, cache=cache))
            progress(done + 2, of)
    seconds = statistics.median(run.seconds for run in runs)
    waited = statistics.median(run.part(Part.KERNELS) for run in runs)
    return Start(
        network=config.stem,
        config=str(config),
        help_s=statistics.median(helps),
        validate_s=statistics.median(validations),
        run_s=at_most(seconds, START.get(config.stem)),
        load_s=statistics.median(run.part(Part.COMPILE) for run in runs),
        kernels_s=at_most(waited, KERNELS.get(config.stem)),
        first=FirstStart(fresh.seconds, fresh.part(Part.COMPILE), kernels),
    )
