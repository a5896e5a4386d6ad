"""Spoken words in a configuration: ``workload.kind: keyword_spotting``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from archsim.config.base import Rule, only_if
from archsim.config.quantity import ConfigPath
from archsim.config.sections import WORKLOADS, WorkloadSection

if TYPE_CHECKING:
    from archsim.config.run import Network, RunConfig
    from archsim.workloads.features import FeatureSet


@WORKLOADS.register
class KeywordSpotting(WorkloadSection):
    """Spoken words: prepared features, or a folder in the layout of Google Speech Commands."""

    kind: Literal["keyword_spotting"] = Field(description="workload kind")
    source: ConfigPath = Field(
        description="features (.npz), or a folder in the layout of Google Speech Commands"
    )
    split: Literal["train", "validation", "test"] = Field(
        "test", description="split to take from a folder"
    )
    sequences: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        "all", description="how many utterances to run, from the first"
    )

    def load(self, network: Network, seed: int) -> FeatureSet:
        """Load the sequences and check that they fit the network."""
        from archsim.workloads.keyword_spotting.load import load_words

        return load_words(self, network, seed)

    @property
    def origin(self) -> str:
        """The file or folder."""
        return str(self.source)

    @property
    def follows_seed(self) -> bool:
        """Whether silence is cropped and words are drawn; a feature file is always the same."""
        return not self.source.is_file()

    def in_words(self, count: int) -> str:
        """Say which sequences of which file they are."""
        part = "" if self.sequences == "all" else "the first "
        split = f", split {self.split}" if self.source.is_dir() else ""
        sequences = f"{count:,} sequence{'' if count == 1 else 's'}"
        return f"{part}{sequences} of {'/'.join(Path(self.source).parts[-2:])}{split}"

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:  # noqa: ARG002
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield "split", only_if(self.source.is_file(), "with a workload.source that is a file")
