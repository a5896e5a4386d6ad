"""Train the network of configs/vowels on Japanese Vowels, and write its data.

One LSTM layer of 64 units and a linear layer on its last ``h``, plain PyTorch in floating point:
nothing of a chip is in the training. A tenth of the training set, the same share of each speaker,
decides when to stop. The test set is read once, at the end.

The data: M. Kudo, J. Toyama, M. Shimbo, "Multidimensional curve classification using
passing-through regions", Pattern Recognition Letters 20 (1999) 1103; UCI Machine Learning
Repository, doi 10.24432/C5NS47, CC BY 4.0. Its files ``JapaneseVowels_TRAIN.ts`` and ``_TEST.ts``
are in the package aeon: ``pip download --no-deps aeon``, and unpack the wheel's
``aeon/datasets/data/JapaneseVowels``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

try:
    import torch
    from safetensors.torch import save_file
    from torch import Tensor, nn
except ImportError:
    print("this needs torch and safetensors: pip install 'archsim[train]'", file=sys.stderr)
    sys.exit(1)

UNITS, SPEAKERS, COEFFICIENTS = 64, 9, 12
HELD_OUT = 3  # of the 30 sequences of each speaker
DESCRIPTION = (
    "Japanese Vowels: 12 LPC cepstrum coefficients of /ae/, spoken by nine men; "
    "M. Kudo, J. Toyama, M. Shimbo (1999), UCI, doi 10.24432/C5NS47, CC BY 4.0"
)


def read_sequences(path: Path) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
    """Return sequences (timesteps, coefficients) and their speakers, 0 to 8, of a .ts file."""
    sequences, speakers = [], []
    lines = path.read_text().splitlines()
    for line in lines[lines.index("@data") + 1 :]:
        *channels, speaker = line.split(":")
        columns = [np.array(channel.split(","), dtype=np.float32) for channel in channels]
        sequences.append(np.stack(columns, axis=1))
        speakers.append(int(speaker) - 1)
    return sequences, np.array(speakers)


class Speaker(nn.Module):
    """An LSTM, and a linear layer on what it gives at the end of each sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(COEFFICIENTS, UNITS, batch_first=True)
        self.output = nn.Linear(UNITS, SPEAKERS)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """Return logits (sequences, speakers) of padded sequences."""
        h, _ = self.lstm(x)
        return self.output(h[torch.arange(len(x)), length - 1])


def padded(sequences: list[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """Return sequences as one array, 0 behind their ends, and their lengths."""
    x = nn.utils.rnn.pad_sequence([torch.from_numpy(each) for each in sequences], batch_first=True)
    return x, torch.tensor([len(each) for each in sequences])


def share(model: Speaker, x: Tensor, length: Tensor, y: Tensor) -> float:
    """Return the share of sequences whose speaker is found."""
    with torch.no_grad():
        return float((model(x, length).argmax(1) == y).double().mean())


def train(folder: Path, *, epochs: int, seed: int) -> tuple[Speaker, float]:
    """Return the network of the epoch that is best on what was held out, and how good it is."""
    torch.manual_seed(seed)
    sequences, speakers = read_sequences(folder / "JapaneseVowels_TRAIN.ts")
    x, length = padded(sequences)
    y = torch.from_numpy(speakers)
    rng = np.random.default_rng(seed)
    held = np.concatenate(
        [rng.permutation(np.flatnonzero(speakers == each))[:HELD_OUT] for each in range(SPEAKERS)]
    )
    out = torch.from_numpy(held)
    rest = torch.from_numpy(np.setdiff1d(np.arange(len(speakers)), held))
    model = Speaker()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    best, kept = (-1.0, 0.0), model.state_dict()
    for _ in range(epochs):
        model.train()
        for batch in rest[torch.randperm(len(rest))].split(27):
            optimiser.zero_grad()
            noisy = x[batch] + 0.05 * torch.randn_like(x[batch])
            loss = nn.functional.cross_entropy(model(noisy, length[batch]), y[batch])
            loss.backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            loss = nn.functional.cross_entropy(model(x[out], length[out]), y[out])
        now = (share(model, x[out], length[out], y[out]), -float(loss))
        if now > best:
            best = now
            kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(kept)
    return model, best[0]


def main() -> None:
    """Train, say how good the network is, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "source", type=Path, help="folder with JapaneseVowels_TRAIN.ts and _TEST.ts"
    )
    parser.add_argument("--out", type=Path, default=Path("configs/vowels"), help="folder to write")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    model, held_out = train(args.source, epochs=args.epochs, seed=args.seed)
    trained, speakers_trained = read_sequences(args.source / "JapaneseVowels_TRAIN.ts")
    largest = max(float(np.abs(each).max()) for each in trained)
    print(f"held out: {held_out:.1%}; inputs of the training set reach {largest:.4g}")
    sequences, speakers = read_sequences(args.source / "JapaneseVowels_TEST.ts")
    x, length = padded(sequences)
    found = share(model, x, length, torch.from_numpy(speakers))
    print(f"test: {found:.2%} of {len(speakers)} sequences")
    args.out.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, args.out / "weights.safetensors")
    every = [*trained, *sequences]
    np.savez_compressed(
        args.out / "vowels.npz",
        inputs=np.concatenate(every),
        lengths=np.array([len(each) for each in every]),
        target=np.concatenate([speakers_trained, speakers]),
        split=np.array(["train"] * len(trained) + ["test"] * len(sequences)),
        classes=np.array([f"speaker {number + 1}" for number in range(SPEAKERS)]),
        description=np.array(DESCRIPTION),
    )


if __name__ == "__main__":
    main()
