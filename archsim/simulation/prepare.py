"""A run's chip and workload, built or only checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from archsim.blas import few_blas_threads
from archsim.chip.build import Chip, build_chip
from archsim.chip.spec import ChipSpec, chip_spec
from archsim.config.load import Config
from archsim.config.origin import STANDARD_INPUT
from archsim.devices import device_model
from archsim.errors import ConfigError, DesignError
from archsim.simulation.inputs import Inputs
from archsim.simulation.recording.plan import plan_recording
from archsim.workloads.base import load_workload
from archsim.workloads.sequences import Sequences


@few_blas_threads()
def prepare(loaded: Config, inputs: Inputs | None = None) -> tuple[Chip, Sequences]:
    """Build a run's chip and load its workload.

    Parameters
    ----------
    loaded : Config
        The configuration.
    inputs : Inputs, optional
        What runs that go before or after share with it.

    Raises
    ------
    ConfigError, WorkloadError
        If they do not fit each other, or a file cannot be used; names the configuration file.
    """
    with in_file(loaded):
        config, inputs = loaded.config, inputs or Inputs()
        data = inputs.workload(config)
        library, weights = inputs.library(config), inputs.weights(config)
        return build_chip(config, library=library, weights=weights), data


@few_blas_threads()
def check(loaded: Config) -> None:
    """Raise what `prepare` and a run would raise, without programming devices or timing anything.

    Nothing here is random and no schedule is made, so no kernel is called and Numba stays away.

    Raises
    ------
    ConfigError, WorkloadError
        As `prepare`; also if the trace section does not fit.
    """
    with in_file(loaded):
        data = load_workload(loaded.config)
        device_model(loaded.config.device)
        chip = build_chip(loaded.config, spec=_without_chance(chip_spec(loaded.config)))
        plan_recording(loaded.config, chip, len(data))


def _without_chance(spec: ChipSpec) -> ChipSpec:
    """Return a chip that fits where the given one fits, and draws no random number."""
    integrator = spec.tile.integrator.model_copy(update={"offset_sigma": 0.0})
    comparator = spec.adc.comparator.model_copy(update={"offset_sigma": 0.0})
    return replace(
        spec,
        exact=True,
        tile=spec.tile.model_copy(update={"integrator": integrator}),
        adc=spec.adc.model_copy(update={"comparator": comparator}),
    )


@contextmanager
def in_file(loaded: Config) -> Iterator[None]:
    """Put the configuration's name before what is wrong with its chip."""
    try:
        yield
    except DesignError as error:
        raise ConfigError(f"{shown_name(loaded)}: {error}") from error


def shown_name(loaded: Config) -> str:
    """Return what messages call a configuration."""
    return "standard input" if loaded.path == STANDARD_INPUT else str(loaded.path)
