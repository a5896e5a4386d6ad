"""How near to floating point the chip is, for networks of several kinds, from file to trace.

Each network has random weights and runs on the recordings of configs/vowels. It is written by
PyTorch, by PyTorch's exporter of ONNX or by Keras, comes in as `archsim import` reads it, gets its
ranges from the recordings and leaves a trace. Devices are ideal: what is left is the rounding of
inputs, weights, converters and words. Ranges are those of all sequences, so that none is clipped.

    pip install torch onnx keras
    python tools/imported_networks.py --out imported
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import archsim
from archsim.shipped import shipped
from archsim.workloads.base import load_workload

INPUTS, OUTPUTS, TIMESTEPS = 12, 9, 29
FINE = {
    "device.conductance_steps": 32_767,
    "digital.word_bits": 22,
    "digital.fraction_bits": 16,
    "digital.table_entries": 65_536,
}
"""Keys of a 10-bit chip: weights, words and tables that are finer than its converters."""


@dataclass(frozen=True)
class Row:
    """What the chip makes of a network.

    Attributes
    ----------
    name : str
        The network and its file.
    bits : int
        Bits of converters and pulse widths.
    apart : float
        Root mean square of the difference from the float64 network's outputs.
    step : float
        Distance of two levels of the last converter.
    agreement : float
        Share of sequences whose largest output is the float64 network's.
    energy : float
        Energy of a sequence, J.
    trace : Path
        The trace that the run left.
    """

    name: str
    bits: int
    apart: float
    step: float
    agreement: float
    energy: float
    trace: Path


def torch_network(kind: str, *, widen: float, **options: Any) -> Any:
    """Return a recurrent layer of PyTorch with a head at the last timestep.

    Weights are twice as large as PyTorch draws them, those of a projection `widen` times more.
    """
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = getattr(nn, kind)(INPUTS, batch_first=True, **options)
            width = options.get("proj_size") or options["hidden_size"]
            self.head = nn.Linear(width * (1 + options.get("bidirectional", False)), OUTPUTS)

        def forward(self, x: Any) -> Any:
            return self.head(self.rnn(x)[0][:, -1])

    torch.manual_seed(0)
    network = Network().eval()
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            tensor.mul_(2 * (widen if "weight_hr" in name else 1))
    return network


def saved(kind: str, *, widen: float = 1.0, **options: Any) -> Callable[[Path], Path]:
    """Return a function that writes a state dict to a folder and returns its path."""

    def write(folder: Path) -> Path:
        import torch

        path = folder / "network.pt"
        torch.save(torch_network(kind, widen=widen, **options).state_dict(), path)
        return path

    return write


def exported(kind: str, **options: Any) -> Callable[[Path], Path]:
    """Return a function that exports to ONNX into a folder and returns the file's path."""

    def write(folder: Path) -> Path:
        import torch

        path = folder / "network.onnx"
        example = (torch.zeros(1, TIMESTEPS, INPUTS),)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter that needs nothing beside onnx
            torch.onnx.export(
                torch_network(kind, widen=1.0, **options), example, path, dynamo=False
            )
        return path

    return write


def kept_by_keras(folder: Path) -> Path:
    """Write a network of Keras to a folder and return its path."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.Input((TIMESTEPS, INPUTS)), keras.layers.GRU(32), keras.layers.Dense(OUTPUTS)]
    path = folder / "network.keras"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras with NumPy 2
        keras.Sequential(layers).save(path)
    return path


NETWORKS: dict[str, Callable[[Path], Path]] = {
    "GRU, state dict": saved("GRU", hidden_size=32),
    "LSTM, two layers, state dict": saved("LSTM", hidden_size=32, num_layers=2),
    "LSTM, both directions, state dict": saved("LSTM", hidden_size=24, bidirectional=True),
    "LSTM, projected, state dict": saved("LSTM", hidden_size=48, proj_size=16, widen=3.4),
    "RNN, tanh, ONNX": exported("RNN", hidden_size=32),
    "GRU, ONNX": exported("GRU", hidden_size=32),
    "GRU, Keras": kept_by_keras,
}
"""What is written, by name."""


def rows_of(name: str, folder: Path) -> Iterator[Row]:
    """Write a network, read it, and run it on chips of 5 and of 10 bits."""
    folder.mkdir(parents=True, exist_ok=True)
    file = NETWORKS[name](folder)
    report = archsim.import_network(file, folder / "chip", timesteps=TIMESTEPS)
    vowels = {"kind": "file", "source": str(shipped("vowels/vowels.npz")), "split": "test"}
    keys = {"workload": vowels, "task": {"kind": "agreement"}, "digital.cell_range": 16}
    for bits, more in ((5, {}), (10, FINE)):
        chosen = {**keys, "adc.bits": bits, "tile.input_bits": bits, **more}
        config = archsim.load(report.files[0], set=chosen)
        every = load_workload(archsim.load(config, set={"workload.split": None}))
        config = archsim.calibrate(config, data=every).apply(config)
        trace = folder / f"{bits}-bits.h5"
        run = archsim.run(config, out=trace)
        metrics = run.summary.metrics
        low, high = config.network.layers[-1].input_range
        yield Row(
            name,
            bits,
            metrics["mean_square_difference"].value ** 0.5,
            (high - low) / (2**bits - 1),
            metrics["agreement"].value,
            run.summary.energy_j,
            trace,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("imported"), help="folder to write")
    args = parser.parse_args()
    print("| network | bits | off by | in steps of the converter | same answer | energy |")
    print("| --- | --- | --- | --- | --- | --- |")
    for number, name in enumerate(NETWORKS):
        for row in rows_of(name, args.out / str(number)):
            print(
                f"| {name} | {row.bits} | {row.apart:.2g} | {row.apart / row.step:.2f} | "
                f"{row.agreement:.1%} | {row.energy * 1e9:.3g} nJ |"
            )


if __name__ == "__main__":
    main()
