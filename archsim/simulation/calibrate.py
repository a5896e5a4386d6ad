"""Ranges of a configuration from data that its test does not see.

The float64 network of a configuration runs on sequences; what its layers hold on the way
(`archsim.chip.layers.base.ChipLayer.watch`) says how far inputs, h, sums and outputs go, and c,
which digital words have to hold. The ranges found are keys of the same configuration.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip, build_chip
from archsim.chip.flow import float_outputs
from archsim.config.load import Config
from archsim.errors import InputError
from archsim.metrics import Metric
from archsim.simulation.prepare import in_file
from archsim.simulation.ranges import Method, Place, range_of, rounded_up, signal_to_noise
from archsim.simulation.simulate import run
from archsim.simulation.weight_ranges import WEIGHTS, best_percentile, weight_places
from archsim.workloads.base import check_data, load_workload
from archsim.workloads.sequences import Sequences

Array = NDArray[np.float64]

INPUTS, STATE, MOST_WORD_BITS = "inputs", "c", 24
_TRIED = 64
"""Sequences that the chip runs before and after."""


@dataclass(frozen=True)
class Calibration:
    """Ranges that were found.

    Attributes
    ----------
    name : str
        The configuration's name.
    method : str
        How they were found.
    sequences : int
        Sequences that they were found on.
    seen_in_test : int
        How many of them the configuration's own workload has too.
    places : tuple of Place
        Places with a range.
    values : dict of str to anything
        What to set, by key.
    before, after : dict of str to Metric
        How the chip agrees with the float64 network on some of the sequences.
    energy_before, energy_after : float
        Energy of one inference then, J.
    """

    name: str
    method: str
    sequences: int
    seen_in_test: int
    places: tuple[Place, ...]
    values: dict[str, Any]
    before: dict[str, Metric]
    after: dict[str, Metric]
    energy_before: float
    energy_after: float

    def apply(self, config: Config) -> Config:
        """Return the configuration with the ranges that were found.

        Parameters
        ----------
        config : Config
            The configuration.
        """
        return config.with_values(self.values)

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``archsim calibrate --json`` prints."""
        return {
            "name": self.name,
            "method": self.method,
            "sequences": self.sequences,
            "seen_in_test": self.seen_in_test,
            "places": [
                {key: _finite(value) for key, value in vars(place).items()} for place in self.places
            ],
            "set": self.values,
            "before": {name: metric.to_json() for name, metric in self.before.items()},
            "after": {name: metric.to_json() for name, metric in self.after.items()},
            "energy_before_j": self.energy_before,
            "energy_after_j": self.energy_after,
        }


def calibrate(
    config: Config, data: Sequences, *, method: Method = Method.MAXIMUM, percentile: float = 99.9
) -> Calibration:
    """Find ranges of a configuration.

    Parameters
    ----------
    config : Config
        The configuration.
    data : Sequences
        Sequences that its test does not see.
    method : Method
        How ranges are found.
    percentile : float
        Percent of magnitudes below them, of the method of that name.

    Raises
    ------
    WorkloadError, ConfigError
        If the sequences do not fit, or the network does not fit the chip.
    """
    unscored = Sequences(
        data.inputs, None, (), data.names, data.synthetic, data.description, data.lengths
    )
    with in_file(config):
        check_data(config.config, unscored)
        chip = build_chip(config.config)
    seen = _watched(chip, unscored)
    values: dict[str, Any] = {}
    places = []
    for layer, what, key, both in _keys(chip):
        found = seen[layer, what]
        end = rounded_up(
            range_of(found, method, steps=_steps(config, layer, what), percentile=percentile)
        )
        end = max(end, 1.0) if not both and what != INPUTS else end
        if end == 0.0:
            continue
        place = _place(config, chip, (layer, what, key), found, end)
        if _has_effect(config, key, _value(end, both=both)):
            places.append(place)
            if end != place.before:
                values[key] = _value(end, both=both)
    values |= _words(config, seen)
    tried = unscored.part(slice(_TRIED))
    ranged = config.with_values(values)

    def error(percent: float) -> float:
        found, _ = _agreement(ranged.with_values({WEIGHTS: percent}), tried)
        return found["mean_square_difference"].value

    percent = best_percentile(error, method, percentile)
    places += weight_places(chip, percent)
    order = list(dict.fromkeys(place.layer for place in places))
    places.sort(key=lambda place: order.index(place.layer))
    if percent != config.config.tile.weight_percentile:
        values[WEIGHTS] = percent
    before, energy_before = _agreement(config, tried)
    after, energy_after = _agreement(config.with_values(values), tried)
    return Calibration(
        name=config.config.name,
        method=f"{method}, {percentile:g}" if method is Method.PERCENTILE else str(method),
        sequences=len(data),
        seen_in_test=_overlap(config, data),
        places=tuple(places),
        values=values,
        before=before,
        after=after,
        energy_before=energy_before,
        energy_after=energy_after,
    )


def _watched(chip: Chip, data: Sequences) -> dict[tuple[str, str], Array]:
    """Return what the float64 network holds, by layer and what it is, before sequences end."""
    kept: dict[tuple[str, str], list[Array]] = {}
    length = data.length

    def watch(layer: str) -> Any:
        def take(what: str, values: Array, timestep: int | None) -> None:
            if timestep is not None:
                there = values[length > timestep]
            elif values.shape[1] == data.inputs.shape[1]:
                there = values[np.arange(values.shape[1]) < length[:, None]]
            else:
                there = values
            kept.setdefault((layer, what), []).append(there.ravel())

        return take

    for layer in chip.layers:
        layer.watch = watch(layer.name)
    try:
        float_outputs(chip.config.network, chip.layers, data.inputs.astype(np.float64), length)
    finally:
        for layer in chip.layers:
            layer.watch = None
    found = {place: np.concatenate(parts) for place, parts in kept.items()}
    return {**found, ("", INPUTS): data.given.astype(np.float64).ravel()}


def _keys(chip: Chip) -> list[tuple[str, str, str, bool]]:
    """Return layer, what, key and whether it has both ends, of every range."""
    network = chip.config.network
    keys = [] if network.entries else [("", INPUTS, "network.input_range", False)]
    for number, section in enumerate(network.layers):
        for what, (key, both) in section.range_keys.items():
            keys.append((section.name, what, f"network.layers.{number}.{key}", both))
    return keys


def _value(end: float, *, both: bool) -> Any:
    return [-end, end] if both else end


def _has_effect(config: Config, key: str, value: Any) -> bool:
    """Return whether a key changes anything; those without effect are told in a note."""
    told = config.with_values({key: value}).notes
    return not any(key in note for note in told)


def _steps(config: Config, layer: str, what: str) -> int:
    """Return the steps on either side of 0 that values are rounded to."""
    widths = int(2**config.config.tile.input_bits - 1)
    if what in {INPUTS, "h", "output"}:
        return widths
    section = next(item for item in config.config.network.layers if item.name == layer)
    bits = int(getattr(section, "bits", None) or config.config.adc.bits)
    return int(max(2 ** (bits - 1), 1))


def _place(
    config: Config, chip: Chip, where: tuple[str, str, str], found: Array, end: float
) -> Place:
    layer, what, key = where
    before, steps = _range_before(config, chip, layer, key), _steps(config, layer, what)
    size = np.abs(found)
    return Place(
        layer=layer or chip.layers[0].name,
        what=what,
        key=key,
        largest=float(size.max()),
        before=before,
        after=end,
        clipped_before=float((size > before).mean()),
        clipped_after=float((size > end).mean()),
        noise_before=signal_to_noise(found, before, steps=steps),
        noise_after=signal_to_noise(found, end, steps=steps),
    )


def _range_before(config: Config, chip: Chip, layer: str, key: str) -> float:
    """Return the range that a configuration has, NaN where it follows from the weights."""
    network = config.config.network
    if not layer:
        return float(np.max(network.input_range))
    number, name = key.removeprefix("network.layers.").split(".")
    value = getattr(network.layers[int(number)], name)
    if isinstance(value, tuple):
        return float(max(map(abs, value)))
    if value in {"auto", None}:
        return chip.layers[int(number)].output_range if name == "output_range" else math.inf
    return float(value)


def _words(config: Config, seen: Mapping[tuple[str, str], Array]) -> dict[str, Any]:
    """Return the bits of words that hold the cells' states, where those there are do not.

    Bits below the binary point stay as they are, as far as words of 24 bits go.
    """
    states = [found for (_, what), found in seen.items() if what == STATE]
    largest = max((float(np.abs(found).max()) for found in states), default=0.0)
    digital = config.config.digital
    if largest < 2.0 ** (digital.word_bits - 1 - digital.fraction_bits):
        return {}
    whole = math.floor(math.log2(largest)) + 1
    word = min(whole + 1 + digital.fraction_bits, MOST_WORD_BITS)
    values: dict[str, Any] = {"digital.word_bits": word}
    if word - 1 - whole < digital.fraction_bits:
        values["digital.fraction_bits"] = max(word - 1 - whole, 1)
    return values


def _agreement(config: Config, data: Sequences) -> tuple[dict[str, Metric], float]:
    """Return how the chip agrees with the float64 network, and the energy of one inference, J."""
    network = config.config.network
    when = "last" if network.layers[-1].at_last_timestep else "all"
    asked = {"task": {"kind": "agreement", "timesteps": when}, "trace.level": "off", "streams": 1}
    found = run(config.with_values(asked), data=data).summary
    return found.metrics, found.energy_j


def _overlap(config: Config, data: Sequences) -> int:
    """Return how many sequences the configuration's own workload has too."""
    tested = set(_digests(load_workload(config.config)))
    return sum(digest in tested for digest in _digests(data))


def _digests(data: Sequences) -> list[bytes]:
    return [
        hashlib.sha256(np.ascontiguousarray(x[:length]).tobytes()).digest()
        for x, length in zip(data.inputs, data.length.tolist(), strict=True)
    ]


def of_split(config: Config, split: str) -> Sequences:
    """Return the sequences of another split of a configuration's workload.

    Raises
    ------
    InputError
        If its workload has no splits, or not this one.
    """
    if "split" not in type(config.config.workload).model_fields:
        msg = (
            f"--split: a workload of kind {config.config.workload.kind} has no splits: give "
            "sequences in a file, --data FILE"
        )
        raise InputError(msg)
    return load_workload(config.with_values({"workload.split": split}).config)


def of_file(config: Config, path: str) -> Sequences:
    """Return the sequences of a file, read as `workload.kind: file` reads one.

    Raises
    ------
    WorkloadError
        If it cannot be used.
    """
    keys = {"workload": {"kind": "file", "source": path, "target": None}}
    return load_workload(config.with_values(keys).config)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
