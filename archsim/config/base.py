"""What every section of a configuration has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from archsim.config.run import RunConfig

Rule = tuple[str, str]
"""A key below a section, and why it has no effect; the reason is empty where it has one."""


def only_if(holds: bool, why: str) -> str:
    """Return a reason if it holds, and none if not."""
    return why if holds else ""


class Section(BaseModel):
    """A frozen part of a configuration that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:  # noqa: ARG002 - most need none
        """Yield keys that may change nothing, with the reason where they change nothing.

        Parameters
        ----------
        config : RunConfig
            The whole configuration.
        """
        yield from ()
