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
from archsim.config.device import IdealDevice, Memristor, Method
from archsim.config.hardware import (
    RAMPS,
    ActivationMethod,
    CellActivation,
    Comparator,
    ConverterKind,
)
from archsim.config.merge import Document
from archsim.config.origin import KeyPath
from archsim.config.run import (
    KeywordSpotting,
    LinearLayer,
    LSTMLayer,
    Placement,
    RunConfig,
    TraceLevel,
)
from archsim.network.activations import Activation, get_activation, registered_names


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
    for index, layer in enumerate(config.network.layers):
        place = ("network", "layers", index)
        for key, why in _of_layer(layer, config):
            yield _Rule((*place, *key.split(".")), why)
        if isinstance(layer, LinearLayer):
            yield _Rule((*place, "output_range"), _not_driving(config, index))
    used = set(_functions_in_use(config))
    for index, table in enumerate(config.activations):
        unused = table.name not in used
        yield _Rule(
            ("activations", index), f"because no layer takes '{table.name}'" if unused else ""
        )


def _if(holds: bool, why: str) -> str:
    return why if holds else ""


def _of_converter(config: RunConfig) -> Iterator[tuple[str, str]]:
    kind = config.adc.kind
    of_kind = f"with adc.kind {kind}"
    yield "adc.input_range", _if(config.adc.nonlinear, of_kind) or _without_lstm(config)
    yield "adc.sharing", _if(kind is not ConverterKind.SAR, of_kind)
    yield "adc.bit_serial", _if(kind is not ConverterKind.BIT_SERIAL, of_kind)
    for key in ("bias_cells", "gated_comparators", "copies", "calibrate"):
        yield f"adc.{key}", _if(kind not in RAMPS, of_kind)
    exact = kind in RAMPS and isinstance(config.device, IdealDevice) and config.device.g_min == 0
    yield "adc.calibrate", _if(exact, "with device.model ideal, on which ramps are exact")
    yield (
        "tile.integrator.headroom",
        _if(not config.tile.integrator.saturation, "without tile.integrator.saturation"),
    )


def _of_digital_units(config: RunConfig) -> Iterator[tuple[str, str]]:
    digital, without_lstm = config.digital, _without_lstm(config)
    computes = f"with adc.kind {config.adc.kind}, which computes the gates' functions itself"
    no_processors = _if(config.adc.nonlinear, computes) or without_lstm
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
        _if(by_ramp, "with digital.cell_activation ramp") or without_lstm,
    )
    yield "digital.cell_activation", without_lstm
    yield "digital.cell_range", without_lstm


def _of_devices(config: RunConfig) -> Iterator[tuple[str, str]]:
    device = config.device
    exact = isinstance(device, IdealDevice)
    yield (
        "device.slices.ratio",
        _if(device.slices.count == 1, "with device.slices.count 1")
        or _if(exact, "with device.model ideal, whose first slice is exact"),
    )
    if isinstance(device, Memristor):
        statistical = device.programming.method is Method.STATISTICAL
        yield (
            "device.programming.write_verify",
            _if(statistical, "with device.programming.method statistical"),
        )
    if drift := getattr(device, "drift", None):
        still = drift.nu == 0 and drift.nu_sigma == 0
        yield "device.drift.time", _if(still, "without device.drift.nu or nu_sigma")
    if temperature := getattr(device, "temperature", None):
        indifferent = temperature.coefficient == 0
        yield (
            "device.temperature.value",
            _if(indifferent, "without device.temperature.coefficient"),
        )


def _of_the_run(config: RunConfig) -> Iterator[tuple[str, str]]:
    trace, workload = config.trace, config.workload
    for key in ("sequences", "tiles", "waveforms"):
        coarse = trace.level is not TraceLevel.CYCLE
        yield f"trace.{key}", _if(coarse, f"with trace.level {trace.level}")
    if isinstance(workload, KeywordSpotting):
        yield (
            "workload.split",
            _if(workload.source.is_file(), "with a workload.source that is a file"),
        )
    for key in ("prefix", "ignore"):
        drawn = config.network.weights == "random"
        yield f"network.{key}", _if(drawn, "with network.weights random")
    yield "seed", _if(not _is_random(config), "because nothing in this run is random")


def _is_random(config: RunConfig) -> bool:
    workload, prepared = config.workload, False
    if isinstance(workload, KeywordSpotting):
        prepared = not workload.source.is_dir()
    return (
        config.network.weights == "random"
        or not prepared
        or not isinstance(config.device, IdealDevice)
        or config.tile.integrator.offset_sigma > 0
        or config.adc.comparator != Comparator()
    )


def _of_layer(layer: LSTMLayer | LinearLayer, config: RunConfig) -> Iterator[tuple[str, str]]:
    if isinstance(layer, LSTMLayer):
        return _of_lstm(layer, config)
    return _of_linear(layer, config)


def _of_lstm(layer: LSTMLayer, config: RunConfig) -> Iterator[tuple[str, str]]:
    yield "projection_range", _if(layer.projection is None, "without a projection")
    functions = layer.functions
    gates = (functions.i, functions.f, functions.g, functions.o)
    bounded = all(_is_bounded(name, config) for name in gates)
    conventional = f"with adc.kind {config.adc.kind}, whose range is adc.input_range"
    yield (
        "functions.range",
        _if(not config.adc.nonlinear, conventional)
        or _if(bounded, "because every gate's function has bounds of its own"),
    )


def _of_linear(layer: LinearLayer, config: RunConfig) -> Iterator[tuple[str, str]]:
    digital = layer.placement is Placement.DIGITAL
    yield "bits", _if(digital, "with placement digital")
    bounded = f"because '{layer.function}' has bounds of its own"
    yield (
        "input_range",
        _if(digital, "with placement digital") or _if(_is_bounded(layer.function, config), bounded),
    )


def _not_driving(config: RunConfig, index: int) -> str:
    """Say why a linear layer's output is no pulse width, if so."""
    if index == len(config.network.layers) - 1:
        return "because no layer follows"
    following = config.network.layers[index + 1]
    digital = isinstance(following, LinearLayer) and following.placement is Placement.DIGITAL
    return _if(digital, f"because '{following.name}' is digital")


def _without_lstm(config: RunConfig) -> str:
    any_lstm = any(isinstance(layer, LSTMLayer) for layer in config.network.layers)
    return _if(not any_lstm, "without an LSTM layer")


def _functions_in_use(config: RunConfig) -> Iterator[str]:
    for layer in config.network.layers:
        if isinstance(layer, LinearLayer):
            yield layer.function
        else:
            functions = layer.functions
            yield from (functions.i, functions.f, functions.g, functions.o, functions.state)


def _is_bounded(name: str, config: RunConfig) -> bool:
    """Return whether a function is known to have bounds; one of a package is not loaded for it."""
    own: list[Activation] = [table.build() for table in config.activations]
    if name not in {*registered_names(), *(table.name for table in config.activations)}:
        return False
    return get_activation(name, own=own).bounds is not None
