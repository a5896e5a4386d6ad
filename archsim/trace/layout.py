"""The format ``archsim-trace/1``, and how a file's groups are described before they are written.

A trace is an HDF5 file that plain h5py and ``xarray.open_dataset(engine="h5netcdf", group=...)``
read. Every axis has a dimension scale, every dataset `units` and `long_name`.

::

    /                 attrs: schema, archsim_version, config (the resolved YAML), config_hash, seed,
                      clock_hz, status (running | complete), created (ISO 8601, UTC),
                      sequences_done; network_hash, workload_hash (SHA-256 of the network and of
                      the sequences), choices (what the run assumed) and components (of the
                      library, by tile or unit), both JSON; earlier traces lack these four
    /tiles/<name>     cycle (int64, scale; absolute, busy cycles only), phase (uint8 enum),
                      active_rows, undecided_columns, latched_columns (per cycle),
                      component (strings, scale), energy (cycle, component) in J;
                      with waveforms: ramp (strings, scale), v_ramp (cycle, ramp),
                      column (scale), v_mac (cycle, column) in V
    /units/<name>     the same for digital units: cycle, busy, component, energy; the unit ``chip``
                      is busy in every cycle and holds leakage and clock tree of everything
    /events           start_cycle, end_cycle, resource, kind, stream, sequence, timestep, layer
                      along event; resource, kind and layer are enums
    /outputs/<layer>  code (sequence, timestep, column), h (sequence, timestep, unit),
                      logits (sequence, timestep, class); beside the last layer's what the run's
                      task answers, of a classification label (sequence), and target
    /summary          attrs: numbers of one inference (cycles, latency_s, energy_j, tops, ...);
                      tables: energy_by_component, area_by_component, leakage_by_component,
                      utilisation, energy_by_sequence, timesteps_by_sequence, cycles_by_sequence (of
                      the group that a sequence ran in); what was clipped: clipped, clipped_of,
                      clipped_lost, clipped_largest, clipped_limit (place), where `place` is a
                      layer and a place of `archsim.clipping.Place` with a dot between them; what
                      is measured of the answers: metric_value, metric_low, metric_high (95 %
                      confidence interval), metric_reference (of the float64 network),
                      metric_count, metric_share (metric)

Level ``summary`` has /summary and the last layer's logits and labels, ``event`` adds /events and
all of /outputs, ``cycle`` adds /tiles and /units for the recorded sequences; ``off`` writes no
file.
A tile may have several ramps (an LSTM's has one for each function of its gates, as a rule two), so
``v_ramp`` has a ramp axis. Traces from before there were ideal converters have no
``ideal_converter`` in /summary, which is true where a run has them.

A file is made in three steps. Its structure, with space for all numbers reserved where the system
can, goes to a draft beside it, which then takes the file's name: until that moment an older trace
is kept. All that is known from the schedule (cycles, phases, events) is then filled in before the
first sequence runs; after that only numbers go into space that is already allocated. A run that is
killed therefore leaves nothing new, or a whole file that says ``status: running``;
``sequences_done`` says how many sequences are in it. Numbers that were not reached are NaN (-1 for
labels, 0 for other counts); where ``sequences_done`` is 0, the run may have been killed before they
were filled in, and any number may still be 0.

While a run writes its file it holds a lock on it (``flock``), where the file system has locks. A
draft is named ``.archsim-<hexadecimal digits>.part``; one that no run has locked any more is
removed by the next run that writes into the folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from archsim.trace.repeated import Repeated

SCHEMA = "archsim-trace/1"

Values = NDArray[Any] | Repeated
"""What is known of a dataset beforehand."""


@dataclass(frozen=True)
class Scale:
    """A dimension: its name and its coordinate values (length,)."""

    name: str
    values: Values
    long_name: str
    units: str = "1"


@dataclass(frozen=True)
class Variable:
    """A dataset over dimensions of its group.

    Attributes
    ----------
    name : str
        Name of the dataset.
    dims : tuple of str
        Names of the group's scales.
    dtype : numpy dtype
        Type on disk.
    units, long_name : str
        Attributes; units in UDUNITS form, "1" for counts.
    values : array or Repeated, optional
        What is known beforehand.
    enum : dict of str to int, optional
        Names of integer values.
    """

    name: str
    dims: tuple[str, ...]
    dtype: DTypeLike
    units: str
    long_name: str
    values: Values | None = None
    enum: dict[str, int] | None = None


@dataclass(frozen=True)
class Group:
    """A group of the file: its path, dimensions, datasets and attributes.

    A resizable one has a first dimension whose length is only known when the run has ended.
    """

    path: str
    scales: tuple[Scale, ...]
    variables: tuple[Variable, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    resizable: bool = False


def strings(values: Any) -> NDArray[Any]:
    """Return an array of Python strings, which h5py stores as UTF-8."""
    return np.array(list(values), dtype=object)
