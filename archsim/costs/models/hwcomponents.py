"""Components whose numbers come from a model of hwcomponents (MIT) instead of from the file.

An entry of a component library may name a model in place of its actions, area and leakage::

    adder_8b:
      description: adder of 8 bits
      from_hwcomponents:
        model: AladdinAdder
        parameters: {width: 8}
        actions: {add: add}

`parameters` are those of the model's class, in SI or as text with a unit (``1 GHz``); `tech_node`
is the component's node unless given. `actions` are the library's names, each with the model's
method. The model is evaluated when the library is read, and what it says becomes the entry's
numbers.

The packages are optional and need Python 3.12. Nothing of them is imported unless a library names a
model. Models that build on CACTI or NeuroSim are refused: those are programs of their own.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
import re
import sys
from difflib import get_close_matches
from importlib.metadata import version
from types import ModuleType
from typing import Any, Literal

from pydantic import Field

from archsim.config.base import Section
from archsim.config.merge import Document
from archsim.config.origin import KeyPath, Origin
from archsim.config.quantity import format_quantity, parse_quantity
from archsim.config.validate import validate_document
from archsim.costs.models.base import COST_MODELS, CostModel, part_of
from archsim.errors import ConfigError

KEY = "from_hwcomponents"
NEEDS_PYTHON = (3, 12)
PACKAGES = {"library": "hwcomponents_library", "adc": "hwcomponents_adc"}
LIBRARY_MODULES = (
    "aladdin", "albireo", "atomlayer", "brahms", "dummy", "forms", "isaac", "neurram", "newton",
    "timely",
)  # fmt: skip
"""The modules of hwcomponents-library that need neither CACTI nor NeuroSim."""

_NUMBERS = ("actions", "area", "leakage", "latency")
_WITH_UNIT = re.compile(r"[-+.0-9eE]+ *([A-Za-z%][A-Za-z0-9%^*/]*)")
_INSTALL = "pip install 'archsim[hwcomponents]'"
NO_LEAKAGE = "assumed: none, because the model gives no leakage"


class HwModel(Section):
    """Which model of hwcomponents, with which parameters.

    Attributes
    ----------
    package : {"library", "adc"}
        ``hwcomponents-library`` (published components) or ``hwcomponents-adc`` (survey of ADCs).
    model : str
        Class of the model, such as ``AladdinAdder`` or ``ADC``.
    parameters : dict
        Arguments of the class.
    actions : dict of str to str
        Name of each action here, and the method of the model that tells what it costs.
    """

    package: Literal["library", "adc"] = "library"
    model: str = Field(min_length=1)
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    actions: dict[str, str]


@COST_MODELS.register
class Hwcomponents(CostModel):
    """Components whose numbers come from a model of hwcomponents."""

    key = KEY

    def resolve(self, document: Document, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Return the component's entry with the numbers that the model gives."""
        return _resolved(document, name, entry)


def _resolved(document: Document, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    path: KeyPath = ("components", name, KEY)
    at = document.origin(path)
    both = [key for key in _NUMBERS if key in entry]
    if both:
        raise at.error(f"components.{name}: {both[0]} and {KEY} exclude each other; remove one")
    wanted = validate_document(part_of(document, path, entry[KEY]), HwModel)
    node = entry.get("node", document.data.get("node"))
    parameters = {key: _in_si(value) for key, value in wanted.parameters.items()}
    label = f"components.{name}.{KEY}"
    model = _class_of(wanted, at, label)
    if "tech_node" in inspect.signature(model).parameters:
        parameters.setdefault("tech_node", _in_si(node))
    try:
        numbers = _evaluate(model, parameters, wanted.actions)
    except Exception as error:  # a model of others may raise anything
        text = " ".join(str(error).split()) or type(error).__name__
        raise at.error(f"{label}: {wanted.model} says: {text}; check its parameters") from error
    own = {key: value for key, value in entry.items() if key != KEY}
    source = _source(wanted, parameters, str(entry.get("source", "")))
    return {"node": node, **own, "source": source, **numbers}


def _in_si(value: object) -> Any:
    """Return a text that has a unit as a number in SI, and anything else as it is."""
    match = _WITH_UNIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return str(value) if isinstance(value, str) else value
    try:
        return parse_quantity(str(value), match[1])
    except ValueError:
        return str(value)


def _class_of(wanted: HwModel, at: Origin, label: str) -> Any:
    """Return the model's class."""
    if sys.version_info < NEEDS_PYTHON:
        need, this = (".".join(map(str, each[:2])) for each in (NEEDS_PYTHON, sys.version_info))
        raise at.error(
            f"{label}: models of hwcomponents need Python {need} or later, this is {this}; "
            "give the numbers instead"
        )
    try:
        modules = _modules(wanted.package)
    except ImportError as error:
        raise at.error(
            f"{label}: the package {PACKAGES[wanted.package].replace('_', '-')} is missing; "
            f"{_INSTALL}, or give the numbers instead"
        ) from error
    base = importlib.import_module("hwcomponents").ComponentModel
    known = {
        name: item
        for module in modules
        for name, item in vars(module).items()
        if isinstance(item, type) and issubclass(item, base) and item is not base
    }
    if wanted.model not in known:
        near = get_close_matches(wanted.model, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"{len(known)} are, as {min(known)} is"
        raise at.error(
            f"{label}.model: '{wanted.model}' is not a model of {PACKAGES[wanted.package]} that "
            f"works without CACTI and NeuroSim ({hint})"
        )
    return known[wanted.model]


def _modules(package: str) -> list[ModuleType]:
    """Import the modules of a package that have its models.

    The library's own package imports CACTI and NeuroSim at its top; a bare module that has its
    path stands in for it while single modules are imported.
    """
    name = PACKAGES[package]
    if package == "adc":
        return [importlib.import_module(name)]
    parts = [f"{name}.library.{part}" for part in LIBRARY_MODULES]
    if name in sys.modules:
        return [importlib.import_module(part) for part in parts]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(name)
    bare = ModuleType(name)
    bare.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = bare
    try:
        return [importlib.import_module(part) for part in parts]
    finally:
        del sys.modules[name]


def _evaluate(model: Any, parameters: dict[str, Any], actions: dict[str, str]) -> dict[str, Any]:
    """Return the numbers of a component's entry, as text with units."""
    instance = model(**parameters)
    costs = {}
    for name, method in actions.items():
        function = getattr(instance, method, None)
        if not getattr(function, "_is_component_action", False):
            msg = f"it has no action '{method}'"
            raise ConfigError(msg)
        costs[name] = getattr(instance, method)()
    numbers: dict[str, Any] = {
        "actions": {name: {"energy": _text(cost.energy, "J")} for name, cost in costs.items()},
        "area": _text(instance.area, "um^2"),
        "leakage": _text(instance.leak_power, "W"),
    }
    if instance.leak_power == 0:
        numbers["leakage"] = {"value": "0 W", "source": NO_LEAKAGE}
    latency = max((cost.latency for cost in costs.values()), default=0.0)
    return numbers | ({"latency": _text(latency, "s")} if latency > 0 else {})


def _text(value: float, unit: str) -> str:
    """Write a number in SI as text in `unit`."""
    number = float(value)
    if not (math.isfinite(number) and number >= 0):
        msg = f"a cost of {number} (SI) is not usable"
        raise ConfigError(msg)
    return format_quantity(number, unit)


def _source(wanted: HwModel, parameters: dict[str, Any], given: str) -> str:
    package = PACKAGES[wanted.package].replace("_", "-")
    arguments = ", ".join(f"{key}={value}" for key, value in parameters.items())
    text = f"model: {package} {version(package)} {wanted.model}({arguments})"
    return f"{text}; {given}" if given else text
