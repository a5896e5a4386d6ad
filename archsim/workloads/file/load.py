"""Sequences from the arrays of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.config.run import Network
from archsim.errors import WorkloadError
from archsim.listing import listed
from archsim.workloads.base import check_fit
from archsim.workloads.file.formats import Arrays, read_arrays
from archsim.workloads.sequences import Sequences, padded

if TYPE_CHECKING:
    from archsim.workloads.file.section import FileOfSequences


def load_file(section: FileOfSequences, network: Network) -> Sequences:
    """Load the sequences that a section names and check that they fit the network.

    Raises
    ------
    WorkloadError
        If the file cannot be used, or its sequences do not fit.
    """
    path = str(section.source)
    arrays = read_arrays(section.source, section.inputs)
    try:
        data = _sequences(section, arrays)
    except WorkloadError as error:
        msg = f"{path}: {error}"
        raise WorkloadError(msg) from error
    wanted = section.sequences
    if wanted != "all":
        if wanted > len(data):
            msg = f"{path}: it has {len(data)} sequences but workload.sequences asks for {wanted}"
            raise WorkloadError(msg)
        data = data.part(slice(wanted))
    check_fit(data, path, network)
    return data


def _sequences(section: FileOfSequences, arrays: Arrays) -> Sequences:
    inputs = _inputs(section, arrays)
    lengths = _lengths(section, arrays, inputs)
    target = arrays.get(section.target) if section.target else None
    if target is not None:
        target = target.astype(np.int64 if target.dtype.kind in "iub" else np.float64)
    if lengths is not None and inputs.ndim == 2:
        rows = inputs.shape[0]
        inputs = padded(inputs, lengths)
        if target is not None and target.shape[0] == rows != lengths.size:
            target = padded(target, lengths)
    count = inputs.shape[0]
    if target is not None and (target.ndim == 0 or target.shape[0] != count):
        msg = (
            f"'{section.target}' has shape {target.shape} for {count} sequences: give one entry "
            "for each"
        )
        raise WorkloadError(msg)
    if lengths is not None and bool((lengths == inputs.shape[1]).all()):
        lengths = None
    names = arrays.get("names")
    with np.errstate(over="ignore"):  # what 32 bits do not hold is refused below
        inputs = inputs.astype(np.float32)
    data = Sequences(
        inputs=inputs,
        target=target,
        classes=tuple(str(name) for name in arrays.get("classes", ())),
        names=tuple(map(str, names if names is not None and len(names) == count else range(count))),
        synthetic=section.synthetic,
        description=str(arrays.get("description", "")),
        lengths=lengths,
    )
    _check_values(section, data)
    return _of_split(section, arrays, data)


def _inputs(section: FileOfSequences, arrays: Arrays) -> NDArray[Any]:
    """Return inputs (sequences, timesteps, inputs), or (timesteps of all, inputs) with lengths."""
    if section.inputs not in arrays:
        msg = (
            f"it has no array '{section.inputs}'; it has {listed(arrays)}: set workload.inputs to "
            "the name of the inputs"
        )
        raise WorkloadError(msg)
    inputs = arrays[section.inputs]
    ragged = section.lengths in arrays
    if inputs.dtype.kind not in "iufb" or 0 in inputs.shape:
        msg = f"'{section.inputs}' is {inputs.dtype} of shape {inputs.shape}, not numbers"
        raise WorkloadError(f"{msg}: save numbers")
    symbols = inputs.dtype.kind in "iu" and (
        inputs.ndim == 1 or (inputs.ndim == 2 and not (ragged and _are_rows(section, arrays)))
    )
    if symbols:
        inputs = inputs[..., None]
    if inputs.ndim == 3 or (inputs.ndim == 2 and ragged):
        return inputs
    msg = (
        f"'{section.inputs}' has shape {inputs.shape}, but inputs are (sequences, timesteps, "
        f"inputs), or (timesteps of all, inputs) with an array '{section.lengths}'"
    )
    raise WorkloadError(f"{msg}: bring them into one of these shapes")


def _are_rows(section: FileOfSequences, arrays: Arrays) -> bool:
    """Return whether the inputs' first axis are the timesteps of all sequences."""
    lengths = arrays[section.lengths]
    return lengths.dtype.kind in "iu" and int(lengths.sum()) == arrays[section.inputs].shape[0]


def _lengths(
    section: FileOfSequences, arrays: Arrays, inputs: NDArray[Any]
) -> NDArray[np.int64] | None:
    if section.lengths not in arrays:
        return None
    lengths = arrays[section.lengths]
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1 or not lengths.size or lengths.min() < 1:
        msg = f"'{section.lengths}' has to be whole numbers from 1, one for each sequence"
        raise WorkloadError(f"{msg}: save it so")
    whole = lengths.astype(np.int64)
    rows, most = inputs.shape[0], inputs.shape[1] if inputs.ndim == 3 else inputs.shape[0]
    fits = whole.size == rows if inputs.ndim == 3 else int(whole.sum()) == rows
    if not fits or whole.max() > most:
        msg = (
            f"'{section.lengths}' says {whole.size} sequences of {whole.sum()} timesteps together, "
            f"but '{section.inputs}' has shape {inputs.shape}: make them fit"
        )
        raise WorkloadError(msg)
    return whole


def _check_values(section: FileOfSequences, data: Sequences) -> None:
    if not np.isfinite(data.given).all():
        msg = f"'{section.inputs}' holds a NaN, or a number beyond what 32 bits hold"
        raise WorkloadError(f"{msg}: leave such sequences out")
    if data.target is not None and not np.isfinite(data.target).all():
        raise WorkloadError(f"'{section.target}' holds a NaN: leave such sequences out")


def _of_split(section: FileOfSequences, arrays: Arrays, data: Sequences) -> Sequences:
    if section.split is None:
        return data
    split = arrays.get("split")
    if split is None or split.shape != (len(data),) or split.dtype.kind != "U":
        msg = f"it has no array 'split' of {len(data)} names: take workload.split away"
        raise WorkloadError(msg)
    mine = np.flatnonzero(split == section.split)
    if not mine.size:
        known = listed(sorted(set(split.tolist())))
        msg = f"its array 'split' has no '{section.split}', only {known}: check workload.split"
        raise WorkloadError(msg)
    return data.part(mine)
