"""Keys that somebody wrote and that change nothing in this configuration, each with the reason.

Most of them are no mistake: a base file describes converters of one kind, and a file that extends
it takes another one. So they are told and not refused. A key that holds its default is not told
either: whether it was written or not, it says the same.

What depends on sizes is not told: ``tile.row_sum`` matters where a layer is larger than a tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from archsim.config.base import Section
from archsim.config.hardware import (
    ActivationMethod,
    CellActivation,
    Comparator,
)
from archsim.config.merge import Document
from archsim.config.origin import KeyPath
from archsim.config.run import RunConfig, TraceLevel
from archsim.config.sections import CONVERTERS


class _Rule(NamedTuple):
    """A key, and why it has no effect; the reason is empty where it has one."""

    key: KeyPath
    why: str


def keys_without_effect(config: RunConfig, document: Document) -> tuple[str, ...]:
    """Return a sentence for each key that was written and changes nothing.

    Parameters
    ----------
    config : RunConfig
        A checked configuration.
    document : Document
        What it was checked from, which knows where keys were written.
    """
    notes = []
    for rule in _rules(config):
        changed = _changed(config, rule.key) if rule.why else []
        if changed:
            key = changed[0] if len(changed) == 1 else rule.key
            name = ".".join(map(str, key))
            notes.append(f"{document.origin(changed[0])}: {name} has no effect {rule.why}")
    return tuple(dict.fromkeys(notes))


def _changed(config: RunConfig, key: KeyPath) -> list[KeyPath]:
    """Return the keys at and below `key` that do not hold their defaults."""
    parent: Any = config
    for part in key[:-1]:
        parent = parent[part] if isinstance(part, int) else getattr(parent, part)
    last = key[-1]
    if isinstance(last, int):
        return [key]
    field, value = type(parent).model_fields[last], getattr(parent, last)
    if not field.is_required() and value == field.get_default(call_default_factory=True):
        return []
    if not isinstance(value, Section):
        return [key]
    return [each for name in type(value).model_fields for each in _changed(config, (*key, name))]


def _rules(config: RunConfig) -> Iterator[_Rule]:
    """Yield every rule; all that do not hold have an empty reason."""
    parts: tuple[Callable[[RunConfig], Iterator[tuple[str, str]]], ...] = (
        _of_converter,
        _of_digital_units,
        _of_devices,
        _of_the_run,
    )
    for part in parts:
        for key, why in part(config):
            yield _Rule(tuple(key.split(".")), why)
    layers = config.network.layers
    for index, (layer, following) in enumerate(zip(layers, [*layers[1:], None], strict=True)):
        for key, why in layer.without_effect(config, following):
            yield _Rule(("network", "layers", index, *key.split(".")), why)
    used = {name for layer in layers for name in layer.functions_in_use()}
    for index, table in enumerate(config.activations):
        unused = table.name not in used
        yield _Rule(
            ("activations", index), f"because no layer takes '{table.name}'" if unused else ""
        )


def _if(holds: bool, why: str) -> str:
    return why if holds else ""


def _of_converter(config: RunConfig) -> Iterator[tuple[str, str]]:
    kind, of_kind = config.adc.of_kind, f"with adc.kind {config.adc.kind}"
    yield "adc.input_range", _if(kind.computes, of_kind) or _without_processed(config)
    for other in CONVERTERS.all().values():
        if other.key:
            yield f"adc.{other.key}", _if(other.key != kind.key, of_kind)
    for key in ("bias_cells", "gated_comparators", "copies", "calibrate"):
        yield f"adc.{key}", _if(not kind.has_ramps, of_kind)
    exact = kind.has_ramps and config.device.exact and config.device.g_min == 0
    yield "adc.calibrate", _if(exact, "with device.model ideal, on which ramps are exact")
    yield (
        "tile.integrator.headroom",
        _if(not config.tile.integrator.saturation, "without tile.integrator.saturation"),
    )


def _of_digital_units(config: RunConfig) -> Iterator[tuple[str, str]]:
    digital, without_state = config.digital, _without_state(config)
    computes = f"with adc.kind {config.adc.kind}, which computes the gates' functions itself"
    no_processors = _if(config.adc.nonlinear, computes) or _without_processed(config)
    yield "digital.processors", no_processors
    if not no_processors:
        method = digital.processors.method
        with_method = f"with digital.processors.method {method}"
        piecewise = method is ActivationMethod.PIECEWISE_LINEAR
        yield "digital.processors.segments", _if(not piecewise, with_method)
        cordic = method is ActivationMethod.CORDIC
        yield "digital.processors.iterations", _if(not cordic, with_method)
    by_ramp = digital.cell_activation is CellActivation.RAMP
    yield (
        "digital.table_entries",
        _if(by_ramp, "with digital.cell_activation ramp") or without_state,
    )
    yield "digital.cell_activation", without_state
    yield "digital.cell_range", without_state


def _of_devices(config: RunConfig) -> Iterator[tuple[str, str]]:
    for key, why in config.device.without_effect():
        yield f"device.{key}", why


def _of_the_run(config: RunConfig) -> Iterator[tuple[str, str]]:
    trace, workload = config.trace, config.workload
    for key in ("sequences", "tiles", "waveforms"):
        coarse = trace.level is not TraceLevel.CYCLE
        yield f"trace.{key}", _if(coarse, f"with trace.level {trace.level}")
    for key, why in workload.without_effect():
        yield f"workload.{key}", why
    for key in ("prefix", "ignore"):
        drawn = config.network.weights == "random"
        yield f"network.{key}", _if(drawn, "with network.weights random")
    yield "seed", _if(not _is_random(config), "because nothing in this run is random")


def _is_random(config: RunConfig) -> bool:
    return (
        config.network.weights == "random"
        or config.workload.follows_seed
        or not config.device.exact
        or config.tile.integrator.offset_sigma > 0
        or config.adc.comparator != Comparator()
    )


def _without_processed(config: RunConfig) -> str:
    any_processed = any(layer.processed for layer in config.network.layers)
    return _if(not any_processed, "without an LSTM layer")


def _without_state(config: RunConfig) -> str:
    any_state = any(layer.needs_cell_state() for layer in config.network.layers)
    return _if(not any_state, "without an LSTM layer")
