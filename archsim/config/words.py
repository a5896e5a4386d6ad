"""What every kind of layer has in its section that works on words, element by element."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from archsim.config.base import Rule, only_if
from archsim.config.sections import LayerSection
from archsim.listing import listed

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


def no_widths(layer: LayerSection, config: RunConfig) -> str:
    """Return why what a full pulse width of a layer's outputs stands for has no effect, if so."""
    readers = config.network.readers(layer)
    if not readers:
        return "because no layer follows"
    names = listed([f"'{reader.name}'" for reader in readers])
    digital = f"because {names} {'is' if len(readers) == 1 else 'are'} digital"
    return only_if(all(reader.takes_words for reader in readers), digital)


class WordsSection(LayerSection, ABC):
    """A layer without weights, in digital units, which has as many elements as what it takes in.

    How many these are it learns from the network that it is in.
    """

    _sources: dict[str, int] = PrivateAttr(default_factory=dict)

    @property
    def takes_words(self) -> bool:
        """Whether its inputs are words, as they are."""
        return True

    @property
    def first_tensor(self) -> str:
        """Nothing: it has no tensors."""
        return ""

    @property
    def elements(self) -> int:
        """Elements of its output: as many as those of its inputs, side by side."""
        return sum(self._sources.values())

    def learn_inputs(self, sources: Mapping[str, int]) -> None:
        """Learn how many elements its inputs have."""
        self._sources.clear()
        self._sources.update(sources)

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:  # noqa: ARG002
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield "tensors", f"because a layer of kind {self.kind} has no tensors"

    def meaning_of(self, rest: str, shape: Any) -> str:  # noqa: ARG002
        """Say that it has no tensors."""
        return (
            f"layer '{self.name}' is of kind {self.kind}, which has no tensors: give the tensor a "
            "layer of its own"
        )
