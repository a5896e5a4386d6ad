"""What stands before the layers' names in a file of weights, such as ``module.``."""

from __future__ import annotations

from collections.abc import Iterable

from archsim.config.run import Network
from archsim.errors import WorkloadError
from archsim.listing import listed
from archsim.notes import note


def prefix_of(names: Iterable[str], network: Network) -> str:
    """Return what stands before the layers' names: as configured, or what the file says.

    A wrapper such as PyTorch's DataParallel, or the module that a network is a part of, puts its
    name before those of all tensors. Where the layers' tensors are found with one prefix only, that
    is it, and a note says so.

    Parameters
    ----------
    names : iterable of str
        Names of the file's tensors.
    network : Network
        Layers, and the prefix if it is configured.

    Raises
    ------
    WorkloadError
        If several prefixes fit.
    """
    if network.prefix is not None:
        return f"{network.prefix.rstrip('.')}." if network.prefix else ""
    wanted = [
        f"{layer.tensors_name}.{layer.first_tensor}"
        for layer in network.layers
        if layer.first_tensor
    ]
    if not wanted:
        return ""
    known = set(names)
    ends = [name for name in known if name.endswith(f".{wanted[0]}")]
    fit = [""] if wanted[0] in known else []
    fit += sorted(name.removesuffix(wanted[0]) for name in ends)
    fit = [prefix for prefix in fit if all(prefix + name in known for name in wanted)]
    if not fit or fit[0] == "":
        return ""
    if len(fit) > 1:
        msg = (
            f"{network.weights}: the layers' tensors are there with several prefixes "
            f"({listed(fit)}): set network.prefix to one of them"
        )
        raise WorkloadError(msg)
    note(f"{network.weights}: the layers' tensors are those that begin with '{fit[0]}'")
    return fit[0]
