"""Readers of networks: one for each sort of file, found by what the file holds.

To add one, subclass `Reader` and decorate it with `register`: in a module of this folder, or in a
package of your own that names it in the entry-point group ``archsim.importers``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

from archsim.config.kinds import Kinds
from archsim.errors import NetworkError
from archsim.listing import listed
from archsim.network.importers.base import ImportedNetwork
from archsim.network.importers.check import checked
from archsim.network.importers.files import NetworkFile, look_at
from archsim.network.importers.options import Options
from archsim.shown import shown_in_line


class Reader(ABC):
    """Reads one sort of file.

    Attributes
    ----------
    name : str
        What the sort is called.
    what : str
        What such a file is, for lists and messages.
    first : bool
        Whether it is asked before readers that go by little.
    asks : bool
        Whether its files leave open what options say.
    """

    name: str
    what: str
    first: bool = True
    asks: bool = True

    @abstractmethod
    def fits(self, file: NetworkFile) -> bool:
        """Return whether a file is of this sort, by how it begins or what an archive holds."""

    @abstractmethod
    def read(self, file: NetworkFile, options: Options) -> ImportedNetwork:
        """Return the network in a file; nothing that the file holds is executed.

        Raises
        ------
        NetworkError
            If the file is damaged, or holds what is not simulated or may mean several things.
        """


READERS: Kinds[Reader] = Kinds(
    "reader of networks",
    "archsim.importers",
    Reader,
    shipped="archsim.network.importers",
    part="",
    name_of=lambda cls: getattr(cls, "name", None),
)
"""All readers."""

register = READERS.register

_PICKLE = (
    "is a Python pickle, which may run anything when it is read: save a state dict with "
    "torch.save, or the tensors with safetensors"
)
_OTHERS = (
    (b"\x80", _PICKLE),
    (b"\x89HDF", "is an HDF5 file, as Keras 2 wrote: load it with Keras and save it as .keras"),
    (b"\x1f\x8b", "is compressed with gzip: unpack it"),
    (b"\x93NUMPY", "is one NumPy array: save all tensors with their names by numpy.savez"),
    (b"version https://git-lfs", "is a pointer to a file in Git LFS: fetch it with git lfs pull"),
    (b"PK\x03\x04", "is a zip archive, but not one that torch.save, numpy.savez or Keras wrote"),
    (b"PK", "is an empty zip archive"),
    (b"BZh", "is compressed with bzip2: unpack it"),
)  # fmt: skip
"""How files begin that are refused, and what to do."""


def read_network(path: str | Path, options: Options | None = None) -> ImportedNetwork:
    """Read a network from a file, whatever wrote it.

    Parameters
    ----------
    path : str or Path
        The file.
    options : Options, optional
        What it does not say.

    Raises
    ------
    NetworkError
        If no reader takes it, or it is damaged, or holds what is not simulated.
    """
    try:
        return _read(look_at(path), options or Options())
    except NetworkError as error:
        raise NetworkError(shown_in_line(str(error))) from error


def _read(file: NetworkFile, options: Options) -> ImportedNetwork:
    readers = sorted((cls() for cls in READERS.all().values()), key=lambda each: not each.first)
    for reader in readers:
        if reader.fits(file):
            if not reader.asks and options != Options():
                raise file.refused("leaves nothing open: take the options away")
            network = reader.read(file, options)
            return checked(replace(network, sort=reader.what))
    why = next((why for start, why in _OTHERS if file.head.startswith(start)), None)
    known = listed([reader.what for reader in readers], characters=300)
    raise file.refused(why or f"is no file of a network that is known; known are {known}")


def wanted(module: str, extra: str) -> NetworkError:
    """Return the error that says which package a file needs."""
    msg = f"needs the package {module}: install it with pip install 'archsim[{extra}]'"
    return NetworkError(msg)
