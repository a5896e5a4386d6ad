"""A file of sequences in a configuration: ``workload.kind: file``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from archsim.config.quantity import ConfigPath
from archsim.config.sections import WORKLOADS, WorkloadSection

if TYPE_CHECKING:
    from archsim.config.run import Network
    from archsim.workloads.sequences import Sequences


@WORKLOADS.register
class FileOfSequences(WorkloadSection):
    """Sequences of one's own: arrays in a file (.npz, .npy, .h5), or a table (.parquet)."""

    kind: Literal["file"] = Field(description="workload kind")
    source: ConfigPath = Field(
        description="file: .npz, .npy (inputs alone), .h5 or .hdf5, .parquet"
    )
    inputs: str = Field(
        "inputs",
        description="name of the array of inputs: (sequences, timesteps, inputs), or with lengths "
        "(timesteps of all, inputs), one sequence after the other; of whole numbers without the "
        "last axis, symbols. Of a table, what the names of its columns begin with",
    )
    target: str | None = Field(
        "target",
        description="name of the array of what is right: a label a sequence or a timestep, or "
        "numbers; a file without one is not scored. null: not looked at",
    )
    lengths: str = Field(
        "lengths", description="name of the array of timesteps a sequence; all as long without it"
    )
    split: str | None = Field(
        None,
        description="which part of the file: sequences whose entry in its array 'split' is this; "
        "where not given, all",
    )
    sequences: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        "all", description="how many sequences to run, from the first"
    )
    synthetic: bool = Field(False, description="whether a program made them")

    def load(self, network: Network, seed: int) -> Sequences:
        """Load the sequences and check that they fit the network."""
        from archsim.workloads.file.load import load_file

        del seed
        return load_file(self, network)

    @property
    def follows_seed(self) -> bool:
        """Nothing is drawn."""
        return False

    @property
    def origin(self) -> str:
        """The file."""
        return str(self.source)

    def in_words(self, count: int) -> str:
        """Say which sequences of which file they are."""
        part = "" if self.sequences == "all" else "the first "
        split = f", split {self.split}" if self.split else ""
        sequences = f"{count:,} sequence{'' if count == 1 else 's'}"
        return f"{part}{sequences} of {'/'.join(Path(self.source).parts[-2:])}{split}"
