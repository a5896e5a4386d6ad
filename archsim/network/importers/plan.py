"""An imported network as a configuration has its layers: what is joined, renamed and moved for it.

A configuration's layers work at every timestep; only its last linear layer may work at the last
one, or after each layer that it takes in is through (``final``). Layers without a state give there
what they would give if they worked there alone, so that a choice of timesteps moves to the end.
What stands side by side is a list of inputs, a function behind a linear layer is computed by its
converter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from archsim.config.run import BUS, CHIP, CLASSIFIER, INPUT_BUFFER, PROCESSORS
from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.activations import get_activation
from archsim.network.importers.base import ImportedLayer, ImportedNetwork, Timesteps
from archsim.network.importers.layers import SOFTMAX, Add, Concatenate, Function, Linear
from archsim.network.importers.recurrent import LSTMCell, Recurrent, RNNCell

_TAKEN = {INPUT_BUFFER, CLASSIFIER, CHIP, BUS, PROCESSORS}
_PARTS = (
    "sum", "adc", "update", "cell", "activation", "projection", "bias", "reset", "state",
)  # fmt: skip
"""Ends of names that a layer's tiles and units have."""
_LONGEST = 48
_RANGE = (-8.0, 8.0)


@dataclass(frozen=True)
class PlannedLayer:
    """A layer of a configuration.

    Attributes
    ----------
    layer : ImportedLayer
        The layer, with its own name.
    name : str
        What it is called in the configuration.
    inputs : tuple of str
        What it takes in, by names of the configuration.
    keys : dict
        Its other keys.
    """

    layer: ImportedLayer
    name: str
    inputs: tuple[str, ...]
    keys: dict[str, object]


@dataclass(frozen=True)
class Plan:
    """A network as a configuration has it.

    Attributes
    ----------
    layers : tuple of PlannedLayer
        Its layers.
    mapped, assumed, left_out : tuple of str
        What was done for it, as in `archsim.network.importers.base.Notes`.
    """

    layers: tuple[PlannedLayer, ...]
    mapped: tuple[str, ...]
    assumed: tuple[str, ...]
    left_out: tuple[str, ...]


def plan_of(network: ImportedNetwork) -> Plan:
    """Return how a configuration has a network.

    Raises
    ------
    NetworkError
        If it has what no configuration has.
    """
    try:
        return _Planner(network).plan()
    except NetworkError as error:
        msg = f"{network.source}: {error}"
        raise NetworkError(msg) from error


class _Planner:
    """Changes a network step by step into what a configuration has.

    Attributes
    ----------
    layers : dict of str to ImportedLayer
        Layers by their own names, in order.
    sources : dict of str to tuple of str
        What each takes in.
    ends : tuple of str
        Layers whose outputs are the network's.
    functions : dict of str to str
        Functions that converters of linear layers compute.
    finals : dict of str to ImportedLayer
        Backward layers that are taken at their own end, by who takes them.
    """

    def __init__(self, network: ImportedNetwork) -> None:
        self.network = network
        self.layers = network.by_name
        self.sources = dict(zip(self.layers, network.sources, strict=True))
        self.ends = network.ends
        self.functions: dict[str, str] = {}
        self.finals: dict[str, ImportedLayer] = {}
        self.mapped: list[str] = []
        self.assumed: list[str] = []
        self.left_out: list[str] = []

    def plan(self) -> Plan:
        """Return the plan."""
        once = self._is_picked()
        self._leave_softmax_out()
        if len(self.ends) > 1:
            name = _unused("output", self.layers)
            self.layers[name], self.sources[name] = Concatenate(name=name), self.ends
            self.ends = (name,)
        self._join()
        self._move_functions()
        return self._put_together(once)

    def _is_picked(self) -> bool:
        """Return whether the outputs are wanted at one timestep only."""
        picks = [(layer.timesteps, self.sources[name]) for name, layer in self.layers.items()]
        picks.append((self.network.timesteps, self.ends))
        for (timesteps, names), reader in zip(picks, (*self.layers, ""), strict=True):
            for name in names if timesteps is Timesteps.FINAL else ():
                if not self.layers[name].final_is_last():
                    self.finals[reader] = self.layers[name]
        return any(timesteps is not Timesteps.ALL for timesteps, _ in picks)

    def _check_finals(self, last: str) -> None:
        """Refuse outputs of backward layers at their own end, unless the last linear takes them."""
        for reader, layer in self.finals.items():
            if reader != last or not isinstance(self.layers[last], Linear):
                raise layer.wrong(
                    "goes backward and is taken at its own end, the first timestep, which only the "
                    "last linear layer of a configuration can: train the network on the outputs at "
                    "the last timestep, output[:, -1]"
                )

    def _readers(self, name: str) -> list[str]:
        return [each for each, taken in self.sources.items() if name in taken]

    def _remove(self, name: str, *instead: str) -> None:
        """Take a layer away; whoever took it in takes others in its place."""
        del self.layers[name], self.sources[name]
        for reader in self._readers(name):
            taken = self.sources[reader]
            at = taken.index(name)
            self.sources[reader] = (*taken[:at], *instead, *taken[at + 1 :])
        if self.ends == (name,):
            self.ends = instead

    def _leave_softmax_out(self) -> None:
        """Leave a softmax at the end out, and refuse one elsewhere."""
        last = self.layers[self.ends[0]]
        if len(self.ends) == 1 and isinstance(last, Function) and last.function in SOFTMAX:
            self._remove(last.name, *self.sources[last.name])
            self.left_out.append(
                f"{last.function} '{shortened(last.name)}': it does not change which output is the "
                "largest"
            )
            if INPUT_BUFFER in self.ends:
                raise NetworkError("it is a softmax of its inputs and nothing else")
        for layer in self.layers.values():
            if isinstance(layer, Function) and layer.function in SOFTMAX:
                what = f"is a {layer.function} between layers, and only the last layer may be one"
                raise layer.wrong(what)

    def _join(self) -> None:
        """Make layers that join others a list of inputs of those that take them in."""
        for name, layer in list(self.layers.items()):
            plain = not any(isinstance(self.layers[each], Add) for each in self._readers(name))
            if isinstance(layer, Concatenate) and plain and name not in self.ends:
                self._remove(name, *self.sources[name])
                self.mapped.append(f"join '{shortened(name)}' into lists of inputs")

    def _move_functions(self) -> None:
        """Give functions behind linear layers to the converters of those."""
        for name, layer in list(self.layers.items()):
            before = self.sources[name][0]
            alone = self.sources[name] == (before,) and self._readers(before) == [name]
            free = before not in self.ends and before not in self.functions
            linear = isinstance(self.layers.get(before), Linear)
            if isinstance(layer, Function) and alone and free and linear:
                self.functions[before] = layer.function
                self._remove(name, before)
                self.mapped.append(
                    f"{layer.function} '{shortened(name)}' into the converter of "
                    f"'{shortened(before)}'"
                )

    def _put_together(self, once: bool) -> Plan:
        names = _names_for(self.layers)
        out = []
        last = list(self.layers)[-1]
        self._check_finals(last)
        end = "final" if self.finals else "last"
        for name, layer in self.layers.items():
            taken = tuple(names.get(each, each) for each in self.sources[name])
            if len(set(taken)) != len(taken):
                raise layer.wrong(f"takes in the same layer twice: {listed(taken)}")
            keys = dict(layer.keys())
            if name in self.functions:
                keys["function"] = self.functions[name]
            if isinstance(layer, Linear):
                keys["timesteps"] = end if once and name == last else "all"
            self._add_range(layer, keys)
            out.append(PlannedLayer(layer, names[name], taken, keys))
        if once:
            self._note_once(last)
        for name, new in names.items():
            if name != new:
                self.mapped.append(f"name '{shortened(name)}' into {new}")
        return Plan(tuple(out), tuple(self.mapped), tuple(self.assumed), tuple(self.left_out))

    def _note_once(self, last: str) -> None:
        if not isinstance(self.layers[last], Linear):
            self.assumed.append("the outputs at the last timestep count; the chip gives all")
        after = 0
        for layer in self.layers.values():
            after = 0 if isinstance(layer, Recurrent) else after + 1
        if after > 1:
            self.mapped.append(
                "layers before the last one work at every timestep, and are taken at the last"
            )

    def _add_range(self, layer: ImportedLayer, keys: dict[str, object]) -> None:
        """Give a range to ramps whose functions have no bounds."""
        if isinstance(layer, RNNCell) and get_activation(layer.nonlinearity).bounds is None:
            keys["input_range"] = list(_RANGE)
            self.assumed.append(
                f"sums of '{shortened(layer.name)}' lie from {_RANGE[0]:g} to {_RANGE[1]:g}: "
                "archsim calibrate finds where"
            )
        given = keys.get("functions")
        if not isinstance(layer, LSTMCell) or not isinstance(given, dict):
            return
        if any(get_activation(name).bounds is None for name in layer.functions[:4]):
            keys["functions"] = {**given, "range": list(_RANGE)}
            self.assumed.append(
                f"gates of '{shortened(layer.name)}' see sums from {_RANGE[0]:g} to {_RANGE[1]:g}"
            )


def _unused(name: str, layers: Iterable[str]) -> str:
    taken = set(layers)
    while name in taken:
        name += "_"
    return name


def _names_for(layers: Iterable[str]) -> dict[str, str]:
    """Return names that a configuration takes, all of them different."""
    out: dict[str, str] = {}
    taken = set(_TAKEN)
    for name in layers:
        text = re.sub(r"[^A-Za-z0-9]+", "_", name[:1000]).strip("_")[-_LONGEST:].strip("_")
        text = text if text[:1].isalpha() else f"layer_{text}".rstrip("_")
        if text in _TAKEN or text.endswith(tuple(f"_{part}" for part in _PARTS)):
            text += "_layer"
        base, number = text, 2
        while text in taken:
            text = f"{base}_{number}"
            number += 1
        taken.add(text)
        out[name] = text
    return out
