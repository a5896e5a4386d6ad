"""Activation functions that a configuration brings, as tables of points."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from archsim.config.base import Section
from archsim.config.kinds import Kinds, why_not_made
from archsim.config.merge import Document, load_document
from archsim.config.points import check_points
from archsim.config.validate import validate_document
from archsim.errors import DesignError
from archsim.shipped import CONFIGURATIONS, by_name

_Number = Annotated[float, Field(allow_inf_nan=False)]
_Points = tuple[tuple[_Number, _Number], ...]


ACTIVATIONS: Kinds[Any] = Kinds(
    "activation function",
    "archsim.activations",
    "archsim.network.activations.base:Activation",
    shipped="archsim.network.activations",
    part="",
    name_of=lambda cls: getattr(cls, "name", None),
    article="an",
    check=why_not_made,
)
"""All activation functions (`archsim.network.activations`)."""


class TableActivation(Section):
    """A function of the user's own: straight lines through points, constant outside them."""

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$", description="what layers call the function"
    )
    points: _Points = Field(
        min_length=2, description="points [x, y], sorted by x; y rises or falls, and never turns"
    )

    @field_validator("name")
    @classmethod
    def _new(cls, name: str) -> str:
        if name in ACTIVATIONS.registered():
            msg = f"'{name}' is one of archsim's own functions: choose another name"
            raise ValueError(msg)
        return name

    @field_validator("points")
    @classmethod
    def _monotonic(cls, points: _Points, info: ValidationInfo) -> _Points:
        try:
            check_points(info.data.get("name", "this function"), points)
        except DesignError as error:
            raise ValueError(str(error)) from error
        return points


class _ActivationsFile(Section):
    """The part of a configuration that brings functions."""

    activations: tuple[TableActivation, ...] = ()


def load_tables(path: str | Path) -> tuple[TableActivation, ...]:
    """Return the tables of functions that a configuration brings; nothing else is looked at.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a table in it is wrong; names the file and line.
    """
    document = load_document(by_name(path, CONFIGURATIONS))
    mine = {key: value for key, value in document.data.items() if key == "activations"}
    section = validate_document(Document(document.path, mine, document.origins), _ActivationsFile)
    return section.activations
