"""Parts of a trace, checked before they are read.

A trace may come from anybody. HDF5 lets a small file claim large arrays (compressed, or filled with
one value), take data from other files, and name parts as it likes. Here a part is read only if it
is of the type and shape that belongs there, lies in the file itself, and takes the bytes there that
it will take in memory, so that the file's size bounds what a reader needs.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any

import h5py
import numpy as np
import yaml
from numpy.typing import NDArray

from archsim.shown import shown_in_line

Shape = tuple[int | None, ...]
"""Sizes that an array must have; None where any will do."""

LONGEST_NAME = 1000
LONGEST_CONFIG = 1 << 21
LONGEST_JSON = 1 << 24
"""Most characters of a name, of a stored configuration, and of an attribute in JSON."""

_BATCH_BYTES = 1 << 26
"""Bytes that texts read at once may take, if every one were as large as the file."""

_KINDS = {"i": "whole numbers", "f": "real numbers"}


class DamageError(ValueError):
    """A part of a trace is not what a run writes; says which, and in what way."""


def damage(node: Any, name: str, reason: str) -> DamageError:
    """Return the error that says what is wrong with a part, or with an attribute, of a node."""
    place = f"{node.name.strip('/')}/{name}".strip("/")
    return DamageError(f"{shown_in_line(place)} {reason}")


# ----------------------------------------------------------------- groups and datasets


def group(parent: h5py.Group, name: str) -> h5py.Group:
    """Return a group of a group."""
    return _member(parent, name, h5py.Group)


def dataset(parent: h5py.Group, name: str, kind: str, shape: Shape) -> h5py.Dataset:
    """Return a dataset of numbers that is safe to read.

    Parameters
    ----------
    parent : h5py.Group
        The group that it is in.
    name : str
        Its name.
    kind : str
        ``i`` for whole numbers, ``f`` for real ones.
    shape : tuple of int or None
        The shape that it must have.

    Raises
    ------
    DamageError
        If it is missing or is not such a dataset, or its numbers are not in the file.
    """
    found = _stored(parent, name, shape)
    if not _is_number(found.dtype, kind):
        raise damage(parent, name, f"is not of {_KINDS[kind]}")
    return found


def whole(parent: h5py.Group, name: str, length: int | None = None) -> NDArray[np.int64]:
    """Return whole numbers (length,), none of them below -1."""
    return _from_minus_one(dataset(parent, name, "i", (length,)), slice(None))


def whole_span(parent: h5py.Group, name: str, length: int, span: slice) -> NDArray[np.int64]:
    """Return a span of whole numbers (length,), none of them below -1."""
    return _from_minus_one(dataset(parent, name, "i", (length,)), span)


def _from_minus_one(found: h5py.Dataset, span: slice) -> NDArray[np.int64]:
    values: NDArray[np.int64] = found[span].astype(np.int64)
    if values.min(initial=0) < -1 or values.max(initial=0) >= 1 << 53:
        raise damage(found, "", "holds a number that no run counts to")
    return values


def real(parent: h5py.Group, name: str, shape: Shape, span: slice) -> NDArray[np.float64]:
    """Return a span of the first axis of finite real numbers."""
    values: NDArray[np.float64] = dataset(parent, name, "f", shape)[span].astype(np.float64)
    if not np.isfinite(values).all():
        raise damage(parent, name, "holds a number that is not finite")
    return values


def names(parent: h5py.Group, name: str) -> list[str]:
    """Return texts (length,), with escapes in place of control characters."""
    found = _stored(parent, name, (None,))
    if h5py.check_string_dtype(found.dtype) is None:
        raise damage(parent, name, "is not of text")
    length, batch = found.shape[0], max(1, _BATCH_BYTES // _size(parent))
    texts: list[str] = []
    for first in range(0, length, batch):
        texts += found.asstr()[first : first + batch].tolist()
        if max(map(len, texts[first:])) > LONGEST_NAME:
            raise damage(parent, name, f"has a name of more than {LONGEST_NAME} characters")
    return [shown_in_line(text) for text in texts]


def enumerated(
    parent: h5py.Group, name: str, length: int | None
) -> tuple[h5py.Dataset, dict[int, str]]:
    """Return a dataset (length,) of an enumeration, and the names of its values."""
    found = dataset(parent, name, "i", (length,))
    codes = h5py.check_enum_dtype(found.dtype)
    if codes is None:
        raise damage(parent, name, "does not say what its numbers stand for")
    return found, {code: shown_in_line(text)[:LONGEST_NAME] for text, code in codes.items()}


def named(parent: h5py.Group, name: str, length: int | None, span: slice) -> list[str]:
    """Return a span of an enumeration (length,) as texts."""
    found, text_of = enumerated(parent, name, length)
    values = found[span]
    strange = np.setdiff1d(values, list(text_of))
    if strange.size:
        raise damage(parent, name, f"holds {strange[0]}, which stands for nothing")
    return [text_of[value] for value in values.tolist()]


def _member(parent: h5py.Group, name: str, kind: type) -> Any:
    link = parent.get(name, getlink=True)
    if link is None:
        raise damage(parent, name, "is missing")
    if not isinstance(link, h5py.HardLink):
        raise damage(parent, name, "is a link to some other place")
    found = parent[name]
    if not isinstance(found, kind):
        raise damage(parent, name, "is of another kind")
    return found


def _stored(parent: h5py.Group, name: str, shape: Shape) -> h5py.Dataset:
    """Return a dataset whose shape is right and whose bytes are all in the file."""
    found: h5py.Dataset = _member(parent, name, h5py.Dataset)
    fits = found.shape is not None and len(found.shape) == len(shape)
    if not fits or any(
        want not in (None, has) for has, want in zip(found.shape, shape, strict=True)
    ):
        raise damage(parent, name, f"has the shape {found.shape}, which does not fit the rest")
    if found.is_virtual or found.external:
        raise damage(parent, name, "has its data in another file")
    if found.id.get_create_plist().get_nfilters():
        raise damage(parent, name, "is compressed or filtered, which no run writes")
    size = math.prod(found.shape) * found.id.get_type().get_size()
    if not size <= found.id.get_storage_size() <= _size(parent):
        raise damage(parent, name, "is larger than what the file holds of it")
    return found


def _is_number(dtype: np.dtype[Any], kind: str) -> bool:
    return dtype.kind in {"i": "iu", "f": "f"}[kind] and dtype.itemsize <= 8


def _size(node: Any) -> int:
    return max(int(node.file.id.get_filesize()), 1)


# ----------------------------------------------------------------- attributes


def text(node: Any, name: str, *, longest: int = LONGEST_NAME) -> str:
    """Return a text; control characters are still in it."""
    found = _attribute(node, name)
    kind = h5py.check_string_dtype(found.dtype)
    if kind is None or (kind.length or 0) > 4 * longest:
        raise damage(node, name, "is not a text of the length that belongs there")
    value = node.attrs[name]
    value = value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)
    if len(value) > longest:
        raise damage(node, name, f"is a text of more than {longest} characters")
    return value


def count(node: Any, name: str, *, least: int = 0) -> int:
    """Return a whole number that is not below `least`."""
    if not _is_number(_attribute(node, name).dtype, "i"):
        raise damage(node, name, "is not a whole number")
    value = int(node.attrs[name])
    if not least <= value < 1 << 53:
        raise damage(node, name, f"is {value}, which no run can find")
    return value


def number(node: Any, name: str, *, least: float = 0.0, most: float = 1e30) -> float:
    """Return a real number within limits."""
    value = number_or_none(node, name, least=least, most=most)
    if value is None:
        raise damage(node, name, "is nan, which no run can find")
    return value


def number_or_none(node: Any, name: str, *, least: float = 0.0, most: float = 1e30) -> float | None:
    """Return a real number within limits, None for one that there is not (nan)."""
    dtype = _attribute(node, name).dtype
    if not (_is_number(dtype, "f") or _is_number(dtype, "i")):
        raise damage(node, name, "is not a number")
    value = float(node.attrs[name])
    if not math.isnan(value) and not least <= value <= most:
        raise damage(node, name, f"is {value:g}, which no run can find")
    return None if math.isnan(value) else value


def truth(node: Any, name: str) -> bool:
    """Return a truth value."""
    if _attribute(node, name).dtype.kind != "b":
        raise damage(node, name, "is neither true nor false")
    return bool(node.attrs[name])


def has(node: Any, name: str) -> bool:
    """Return whether a node has an attribute."""
    return name in node.attrs


def texts(node: Any, name: str) -> dict[str, str]:
    """Return the texts by name that an attribute holds as JSON; none where there is none."""
    return as_texts(node, name, json_object(node, name))


def json_object(node: Any, name: str) -> dict[str, Any]:
    """Return the object that an attribute holds as JSON; an empty one where there is none."""
    if not has(node, name):
        return {}
    try:
        found = json.loads(text(node, name, longest=LONGEST_JSON))
    except (ValueError, RecursionError) as error:
        raise damage(node, name, "is not JSON") from error
    if not isinstance(found, dict):
        raise damage(node, name, "is not a JSON object")
    return {shown_in_line(key): value for key, value in found.items()}


def as_texts(node: Any, name: str, found: Any) -> dict[str, str]:
    """Return an object of an attribute's JSON as texts by name."""
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise damage(node, name, "holds something other than texts")
    return {shown_in_line(key): shown_in_line(value) for key, value in found.items()}


def _attribute(node: Any, name: str) -> Any:
    """Return the id of an attribute that is a single value; nothing of it is read."""
    if not has(node, name):
        raise damage(node, name, "is missing")
    found = node.attrs.get_id(name)
    if found.shape != () or found.get_space().get_simple_extent_type() != h5py.h5s.SCALAR:
        raise damage(node, name, "is not a single value")
    return found


# ----------------------------------------------------------------- configuration


def setting(file: h5py.File, *keys: str, kind: type = str) -> Any:
    """Return a value of the configuration that a trace has in it, by its keys.

    Raises
    ------
    DamageError
        If the configuration cannot be read, or has no value of that type there.
    """
    found: Any = stored_config(file)
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        msg = f"its configuration has no {'.'.join(keys)} that this version reads"
        raise DamageError(msg)
    return found


def stored_config(file: h5py.File) -> dict[str, Any]:
    """Return the configuration that a trace has in it, as plain data."""
    return _parsed(text(file, "config", longest=LONGEST_CONFIG))


@lru_cache(maxsize=8)
def _parsed(written: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(written)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        msg = "its configuration is not the YAML that a run stores"
        raise DamageError(msg) from error
    if not isinstance(found, dict):
        msg = "its configuration is not the YAML that a run stores"
        raise DamageError(msg)
    return found
