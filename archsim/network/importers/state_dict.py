"""Networks from PyTorch's files: a state dict, read with ``weights_only`` so that nothing runs."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.importers.base import Array, ImportedNetwork
from archsim.network.importers.files import LARGEST_TEXT, NetworkFile
from archsim.network.importers.numbers import Budget
from archsim.network.importers.options import Options
from archsim.network.importers.registry import Reader, register, wanted
from archsim.network.importers.tensor_groups import NamedTensors
from archsim.network.importers.tensors import network_of

_PICKLE = "/data.pkl"
_INSIDE = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
"""Keys under which checkpoints keep their state dict."""
_SAFE = (2, 6)
"""Before this version, weights_only was not enough (CVE-2025-32434)."""
_SAVE = "save its state dict with torch.save(model.state_dict(), path)"


@register
class StateDictReader(Reader):
    """Reads what ``torch.save`` wrote."""

    name = "state_dict"
    what = "PyTorch state dict (.pt, .pth, .bin)"

    def fits(self, file: NetworkFile) -> bool:
        """Return whether it is a zip archive with a pickle where PyTorch puts it."""
        return any(name.endswith(_PICKLE) for name in file.entries)

    def read(self, file: NetworkFile, options: Options) -> ImportedNetwork:
        """Return the network of its tensors, in the order of its modules."""
        names = file.entries
        if any("/code/" in name or name.endswith("/constants.pkl") for name in names):
            raise file.refused(f"is a TorchScript program, which is not run here: {_SAVE}")
        pickles = [name for name in names if name.endswith(".pkl")]
        if len(pickles) != 1 or names[pickles[0]].file_size > LARGEST_TEXT:
            raise file.refused(f"is not what torch.save writes of a state dict: {_SAVE}")
        packed = [name for name, entry in names.items() if entry.compress_type]
        if packed:
            raise file.refused(f"has compressed tensors, which torch.save does not write: {_SAVE}")
        try:
            loaded = _load(file)
            tensors, others = _tensors(_state_of(loaded))
        except NetworkError as error:
            raise file.refused(str(error)) from error
        return network_of(NamedTensors(str(file.path), tensors, others), options)


def _load(file: NetworkFile) -> object:
    """Return what is in the file; only tensors, numbers, texts and containers may be."""
    try:
        import torch
    except ImportError as error:
        raise wanted("torch", "torch") from error
    if _version(torch.__version__) < _SAFE:
        least = ".".join(map(str, _SAFE))
        raise NetworkError(
            f"needs PyTorch {least} or later, before which reading a state dict was not safe; "
            f"{torch.__version__} is installed"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file.path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # torch has no type of its own for a damaged file
        if "weights_only" in str(error) or "WeightsUnpickler" in str(error):
            what = "holds more than tensors, such as a whole module, which loading would run"
        else:
            what = "is damaged, or not what torch.save writes"
        raise NetworkError(f"{what}: {_SAVE}") from error


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _state_of(loaded: object) -> Mapping[Any, Any]:
    """Return the state dict, which a checkpoint has under a key."""
    if isinstance(loaded, Mapping):
        if any(_is_tensor(value) for value in loaded.values()):
            return loaded
        inside = [key for key in _INSIDE if isinstance(loaded.get(key), Mapping)]
        if len(inside) == 1:
            found = loaded[inside[0]]
            assert isinstance(found, Mapping)
            return found
        if loaded:
            keys = listed([str(key) for key in loaded])
            raise NetworkError(f"has no tensors at the top, but {keys}: {_SAVE}")
    raise NetworkError(f"holds no state dict: {_SAVE}")


def _is_tensor(value: object) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _tensors(state: Mapping[Any, Any]) -> tuple[dict[str, Array], dict[str, str]]:
    tensors: dict[str, Array] = {}
    others: dict[str, str] = {}
    budget = Budget()
    for key, value in state.items():
        name = str(key)
        if not isinstance(key, str) or not _is_tensor(value):
            others[name] = type(value).__name__
            continue
        kind = str(value.dtype).removeprefix("torch.")
        if not value.is_floating_point() or value.is_quantized or "float8" in kind:
            others[name] = kind
            continue
        if str(value.layout) != "torch.strided" or value.is_meta:
            raise NetworkError(f"tensor '{shortened(name)}' is sparse or empty: save it as dense")
        budget.take(name, tuple(value.shape))
        tensors[name] = tensor_to_numpy(value)
    return tensors, others


def tensor_to_numpy(tensor: Any) -> Array:
    """Return a tensor of PyTorch in float64."""
    found: Array = tensor.detach().cpu().double().contiguous().numpy().copy()
    return found
