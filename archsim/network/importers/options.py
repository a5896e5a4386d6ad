"""What a file does not say of its network, said by whoever imports it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from difflib import get_close_matches

from archsim.errors import NetworkError
from archsim.listing import listed, shortened

CHOICES = {
    "kind": ("lstm", "gru", "rnn"),
    "nonlinearity": ("tanh", "relu"),
    "timesteps": ("last", "all"),
}
_NAMES = ("order", "ignore")


@dataclass(frozen=True)
class Options:
    """What a file does not say; each is None or empty where it is not given.

    Attributes
    ----------
    kind : str, optional
        The kind of all recurrent layers, ``lstm``, ``gru`` or ``rnn``: what their shapes have to
        agree with.
    nonlinearity : str, optional
        Of plain recurrent layers: ``tanh`` or ``relu``.
    between : str, optional
        The function between linear layers that follow each other, ``identity`` for none.
    timesteps : str, optional
        Whether the layers after the last recurrent one work at the ``last`` timestep or at ``all``.
    order : tuple of str
        Layers from input to output, by the names of their tensors.
    embedding : str, optional
        The layer that is an embedding.
    ignore : tuple of str
        Tensors that are left out on purpose, names or patterns such as ``optimizer.*``.
    """

    kind: str | None = None
    nonlinearity: str | None = None
    between: str | None = None
    timesteps: str | None = None
    order: tuple[str, ...] = ()
    embedding: str | None = None
    ignore: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for key, allowed in CHOICES.items():
            value = getattr(self, key, None)
            if value is not None and value not in allowed:
                msg = f"option {key}: '{shortened(str(value))}' is none of {listed(allowed)}"
                raise NetworkError(msg)


def parse_options(given: Iterable[str]) -> Options:
    """Return options from texts ``KEY=VALUE``; several names have commas between them.

    Raises
    ------
    NetworkError
        If a key is unknown, given twice, or a value is none of its own.
    """
    found: dict[str, str | tuple[str, ...]] = {}
    known = [each.name for each in fields(Options)]
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not value:
            msg = f"option '{shortened(text)}': write KEY=VALUE, for example kind=gru"
            raise NetworkError(msg)
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            msg = f"unknown option '{shortened(key)}'{hint}; known are {listed(known)}"
            raise NetworkError(msg)
        if key in found:
            raise NetworkError(f"option {key} is given twice: give it once")
        found[key] = tuple(value.split(",")) if key in _NAMES else value
    return Options(**found)  # type: ignore[arg-type]
