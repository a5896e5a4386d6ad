"""The structure of a trace: groups and datasets, made at once and filled in afterwards.

Making a dataset takes its space and writes nothing into it, so that the whole structure is on disk
in a moment, however much there is to record.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from archsim.trace.layout import Group, Scale, Values, Variable
from archsim.trace.repeated import Repeated

_CHUNK = 4096
_BLOCK_BYTES = 1 << 20


def create_group(file: h5py.File, group: Group) -> dict[str, Values | None]:
    """Make a group with its datasets and attributes.

    Returns
    -------
    dict of str to array, Repeated or None
        What is still to be written into datasets, by name; None for numbers that are not known.
    """
    node = file.require_group(group.path)
    node.attrs.update(group.attributes)
    scales: dict[str, h5py.Dataset] = {}
    waiting: dict[str, Values | None] = {}
    for place, scale in enumerate(group.scales):
        dataset = _create_scale(node, scale, resizable=group.resizable and place == 0)
        scales[scale.name] = dataset
        if isinstance(scale.values, Repeated):
            waiting[dataset.name] = scale.values
    for variable in group.variables:
        dataset = _create_variable(node, variable, scales)
        waiting[dataset.name] = variable.values
    return waiting


def fill_in(file: h5py.File, waiting: dict[str, Values | None]) -> None:
    """Write what is known beforehand, and what stands for numbers that are not; small ones first.

    Parameters
    ----------
    file : h5py.File
        The trace.
    waiting : dict of str to array, Repeated or None
        Of `create_group`.
    """
    for name in sorted(waiting, key=lambda name: file[name].nbytes):
        dataset = file[name]
        for first, part in _parts(dataset, waiting[name]):
            dataset[first : first + part.shape[0]] = part
        dataset.flush()  # here an error is raised; where a dataset is freed it is only printed


def _create_scale(node: h5py.Group, scale: Scale, *, resizable: bool) -> h5py.Dataset:
    growing = {"maxshape": (None,), "chunks": (_CHUNK,)} if resizable else {}
    if isinstance(scale.values, Repeated):
        shape, dtype = scale.values.shape, scale.values.dtype
        dataset = node.create_dataset(
            scale.name, shape=shape, dtype=dtype, dcpl=_space_only(), **growing
        )
    else:
        dataset = node.create_dataset(scale.name, data=scale.values, **growing)
    dataset.make_scale(scale.name)
    dataset.attrs.update({"units": scale.units, "long_name": scale.long_name})
    dataset.flush()
    return dataset


def _create_variable(
    node: h5py.Group, variable: Variable, scales: dict[str, h5py.Dataset]
) -> h5py.Dataset:
    dtype = np.dtype(variable.dtype)
    stored = h5py.enum_dtype(variable.enum, basetype=dtype) if variable.enum else dtype
    shape = tuple(scales[name].shape[0] for name in variable.dims)
    limits = tuple(scales[name].maxshape[0] for name in variable.dims)
    growing = {}
    if None in limits:
        growing = {"maxshape": limits, "chunks": (min(_CHUNK, max(shape[0], 1)), *shape[1:])}
    dataset = node.create_dataset(
        variable.name,
        shape=shape,
        dtype=stored,
        fillvalue=_fill(dtype),
        dcpl=_space_only(),
        **growing,
    )
    dataset.attrs.update({"units": variable.units, "long_name": variable.long_name})
    if variable.enum:
        dataset.attrs["flag_values"] = np.array(list(variable.enum.values()), dtype=dtype)
        dataset.attrs["flag_meanings"] = " ".join(variable.enum)
    for axis, name in enumerate(variable.dims):
        dataset.dims[axis].attach_scale(scales[name])
    return dataset


def _space_only() -> Any:
    """Return the properties of a dataset that gets its space at once and no values."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return properties


def _fill(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return np.nan
    return -1 if dtype.kind == "i" else 0


def _parts(dataset: h5py.Dataset, values: Values | None) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield parts of what a dataset holds, each with the index of its first row."""
    if isinstance(values, Repeated):
        yield from values.parts()
    elif values is not None:
        yield 0, values
    else:
        length, *others = dataset.shape
        row_bytes = dataset.dtype.itemsize * math.prod(others)
        rows = min(max(_BLOCK_BYTES // max(row_bytes, 1), 1), length)
        block = np.full((rows, *others), dataset.fillvalue, dtype=dataset.dtype)
        for first in range(0, length, max(rows, 1)):
            yield first, block[: length - first]
