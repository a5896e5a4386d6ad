"""Cycle-accurate simulation of analog in-memory-computing chips for recurrent networks.

The physics, timing, energy and trace follow Yang et al., "Efficient nonlinear function
approximation in analog resistive crossbars for recurrent neural networks", Nature Communications
16:1136 (2025), doi 10.1038/s41467-025-56254-6.

What a program uses of it is here, and is imported when it is first used (`archsim.api`)::

    import archsim

    run = archsim.run("kws", set={"adc.bits": 4})
    print(run.summary.accuracy)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsim.api import (
        Activation,
        ArchsimError,
        Chip,
        Config,
        DeviceModel,
        Executor,
        Job,
        Run,
        Store,
        Summary,
        Trace,
        build_chip,
        load,
        open_trace,
        run,
        sweep,
    )

__version__ = "0.1.0"

__all__ = [
    "Activation",
    "ArchsimError",
    "Chip",
    "Config",
    "DeviceModel",
    "Executor",
    "Job",
    "Run",
    "Store",
    "Summary",
    "Trace",
    "__version__",
    "build_chip",
    "load",
    "open_trace",
    "run",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """Import what is used of `archsim.api`."""
    if name not in __all__:
        msg = f"module 'archsim' has no attribute '{name}'"
        raise AttributeError(msg)
    from archsim import api

    found = getattr(api, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
