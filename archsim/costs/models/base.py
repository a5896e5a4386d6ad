"""The interface of a cost model, and the registry of known ones.

An entry of a component library may name a model under a key of its own instead of giving actions,
area and leakage::

    adder_8b:
      description: adder of 8 bits
      from_hwcomponents: {model: AladdinAdder, parameters: {width: 8}, actions: {add: add}}

A package offers models through the entry-point group ``archsim.costs``; the entry's name is the
key.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from archsim.config.kinds import Kinds
from archsim.config.merge import Document
from archsim.config.origin import KeyPath
from archsim.errors import DesignError


class CostModel(ABC):
    """Turns what stands under its key into the numbers of a component."""

    key: ClassVar[str]

    @abstractmethod
    def resolve(self, document: Document, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Return the component's entry with numbers in place of the key.

        Parameters
        ----------
        document : Document
            The library's file, which knows lines.
        name : str
            The component.
        entry : dict
            What the file says of it.

        Returns
        -------
        dict
            Actions, area and leakage as a file would give them, each with its source.

        Raises
        ------
        ConfigError
            If the numbers cannot be had; names the file and line.
        """


COST_MODELS: Kinds[CostModel] = Kinds(
    "cost model",
    "archsim.costs",
    CostModel,
    shipped="archsim.costs.models",
    part="",
    name_of=lambda cls: getattr(cls, "key", None),
)
"""All cost models, by their keys."""


def resolve_models(document: Document) -> None:
    """Replace what models stand for by numbers, in all components of a library.

    Raises
    ------
    ConfigError
        If a model or its packages cannot be had, or it refuses its parameters; names the file and
        line.
    """
    components = document.data.get("components")
    if not isinstance(components, dict):
        return
    known = set(COST_MODELS.names())
    for name, entry in components.items():
        for key in known & set(entry) if isinstance(entry, dict) else ():
            path: KeyPath = ("components", name, key)
            try:
                model = COST_MODELS.get(key)()
            except DesignError as error:
                raise document.origin(path).error(f"components.{name}: {error}") from error
            components[name] = model.resolve(document, name, entry)


def part_of(document: Document, path: KeyPath, data: Any) -> Document:
    """Return what stands at `path` as a document of its own, which keeps its lines.

    Raises
    ------
    ConfigError
        If it is no mapping; names the file and line.
    """
    origins = {
        key[len(path) :]: origin
        for key, origin in document.origins.items()
        if key[: len(path)] == path
    }
    if not isinstance(data, dict):
        raise document.origin(path).error(f"{'.'.join(map(str, path))}: expected a mapping")
    return Document(document.path, data, origins)
