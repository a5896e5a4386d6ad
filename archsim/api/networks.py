"""Networks of others: read from files and modules, written as configurations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsim.network.importers.base import ImportedNetwork
    from archsim.network.importers.report import ImportReport


def read_network(
    file: str | Path, /, *, options: Mapping[str, Any] | Iterable[str] = ()
) -> ImportedNetwork:
    """Read a trained recurrent network from a file, without running anything of it.

    Parameters
    ----------
    file : str or Path
        safetensors, .npz, a state dict of PyTorch (.pt), .onnx or .keras.
    options : mapping, or iterable of str, optional
        What the file does not say, such as ``{"between": "relu"}``; texts ``key=value`` from a
        command line.

    Returns
    -------
    ImportedNetwork
        Its layers with weights in float64; `run` of it computes what it does.

    Raises
    ------
    NetworkError
        If it cannot be read, is damaged, or has something that is not simulated.

    Examples
    --------
    >>> from archsim.shipped import shipped
    >>> network = archsim.read_network(shipped("kws/weights.safetensors"))
    >>> [type(layer).__name__ for layer in network.layers]
    ['LSTMCell', 'Linear']
    """
    from archsim.network.importers.options import parse_options
    from archsim.network.importers.registry import read_network as read

    given = (
        [f"{key}={value}" for key, value in options.items()]
        if isinstance(options, Mapping)
        else options
    )
    return read(file, parse_options(given))


def from_torch(
    module: Any,
    out: str | Path,
    /,
    *,
    name: str | None = None,
    timesteps: int | None = None,
    check: bool = True,
) -> ImportReport:
    """Write the network that a module of PyTorch is as a configuration with its weights.

    Parameters
    ----------
    module : torch.nn.Module
        nn.LSTM, GRU, RNN and their cells, Linear, Embedding, functions, Dropout; or a module that
        has such ones as its attributes, in the order in which they are used.
    out : str or Path
        Folder to write to.
    name : str, optional
        Name of the configuration.
    timesteps : int, optional
        Timesteps of a sequence.
    check : bool
        Run the module on random sequences and compare: a `forward` that does something else than
        its parts one after another is refused then.

    Returns
    -------
    ImportReport
        What was found, mapped, assumed, left out and refused; its first file is the configuration.

    Raises
    ------
    NetworkError, OutputError
        If the module cannot be simulated, or the files cannot be written.

    Examples
    --------
    >>> module = torch.nn.LSTM(8, 16)  # doctest: +SKIP
    >>> archsim.from_torch(module, "mine", timesteps=20)  # doctest: +SKIP
    """
    from archsim.network.importers.torch_module import from_torch as read
    from archsim.network.importers.writer import write_network

    return write_network(read(module, check=check), out, name=name, timesteps=timesteps)


def import_network(
    file: str | Path,
    out: str | Path,
    /,
    *,
    name: str | None = None,
    timesteps: int | None = None,
    options: Mapping[str, Any] | Iterable[str] = (),
) -> ImportReport:
    """Read a trained network from a file; write its weights and a configuration.

    Parameters
    ----------
    file, options
        As of `read_network`.
    out, name, timesteps
        As of `from_torch`.

    Returns
    -------
    ImportReport
        What was found, mapped, assumed, left out and refused; its first file is the configuration.

    Raises
    ------
    NetworkError, OutputError
        If the file cannot be used, or the files cannot be written.

    Examples
    --------
    >>> from archsim.shipped import shipped
    >>> weights = shipped("kws/weights.safetensors")
    >>> archsim.import_network(weights, "mine", timesteps=49).files[0].name
    'chip.yaml'
    """
    from archsim.network.importers.writer import write_network

    network = read_network(file, options=options)
    return write_network(network, out, name=name, timesteps=timesteps)
