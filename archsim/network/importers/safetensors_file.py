"""Networks from safetensors files: tensors by name, and nothing else.

The format: 8 bytes with the length of a header, the header in JSON (type, shape and place of every
tensor), the numbers (https://huggingface.co/docs/safetensors). It is read here by itself, so that
every size is looked at before memory is asked for.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from archsim.errors import NetworkError
from archsim.listing import shortened
from archsim.network.importers.base import Array, ImportedNetwork
from archsim.network.importers.files import LARGEST_TEXT, NetworkFile
from archsim.network.importers.numbers import BFLOAT16, Budget, numbers_of
from archsim.network.importers.options import Options
from archsim.network.importers.registry import Reader, register
from archsim.network.importers.tensor_groups import NamedTensors
from archsim.network.importers.tensors import network_of

_KINDS = {"F16": "float16", "F32": "float32", "F64": "float64", "BF16": BFLOAT16}
_METADATA = "__metadata__"


@register
class SafetensorsReader(Reader):
    """Reads safetensors files."""

    name = "safetensors"
    what = "safetensors"
    first = False

    def fits(self, file: NetworkFile) -> bool:
        """Return whether a header in JSON begins after 8 bytes, or the name says so."""
        return file.head[8:9] == b"{" or file.path.suffix == ".safetensors"

    def read(self, file: NetworkFile, options: Options) -> ImportedNetwork:
        """Return the network of its tensors, which stand sorted by their names."""
        try:
            tensors, others = read_tensors(file.read())
        except NetworkError as error:
            raise file.refused(str(error)) from error
        return network_of(NamedTensors(str(file.path), tensors, others, ordered=False), options)


def read_tensors(data: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the tensors of floating point numbers, and the types of all others.

    Raises
    ------
    NetworkError
        If the bytes are no whole safetensors file.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise NetworkError("is not a whole safetensors file: copy it again")
    if length > LARGEST_TEXT:
        raise NetworkError("has a header of more than 16 MiB, which no network needs")
    header = _header(data[8 : 8 + length])
    header.pop(_METADATA, None)
    view, budget = memoryview(data)[8 + length :], Budget()
    tensors: dict[str, Array] = {}
    others: dict[str, str] = {}
    taken: list[tuple[int, int]] = []
    for name in sorted(header):
        kind, shape, (begin, end) = _entry(name, header[name], len(view))
        if kind not in _KINDS:
            others[name] = kind
            continue
        budget.take(name, shape)
        taken.append((begin, end))
        tensors[name] = numbers_of(name, _KINDS[kind], shape, view[begin:end])
    taken.sort()
    for (_, end), (begin, _) in pairwise(taken):
        if begin < end:
            raise NetworkError("has tensors that share bytes, which no whole safetensors file has")
    return tensors, others


def _header(text: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise NetworkError(f"has '{shortened(twice)}' twice in its header")
        return found

    try:
        header = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise NetworkError("has a header that is no JSON: copy it again") from error
    if not isinstance(header, dict):
        raise NetworkError("has a header that is no JSON object: copy it again")
    return header


def _entry(name: str, entry: object, size: int) -> tuple[str, list[int], tuple[int, int]]:
    """Return type, shape and place of a tensor, checked."""
    given = entry if isinstance(entry, dict) else {}
    kind, shape, place = (given.get(key) for key in ("dtype", "shape", "data_offsets"))
    whole = isinstance(kind, str) and isinstance(shape, list) and isinstance(place, list)
    numbers = [each for each in place or () if type(each) is int] if whole else []
    if len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1] <= size:
        raise NetworkError(
            f"has a tensor '{shortened(name)}' whose type, shape or place is wrong: copy it again"
        )
    assert isinstance(kind, str)
    assert isinstance(shape, list)
    return kind, shape, (numbers[0], numbers[1])
