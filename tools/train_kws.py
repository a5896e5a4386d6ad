"""Train the keyword-spotting LSTM of configs/kws on a folder of spoken commands.

One LSTM layer (40 inputs, 32 units) and a linear layer on its last ``h``, trained with what the
simulated chip does to them in the forward pass: inputs and ``h`` of a sign and a few bits of
magnitude, gates on the levels of the nonlinear converter, cell state in fixed point, logits through
a linear ramp, and Gaussian noise on every weight. Gradients go straight through the rounding.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archsim.errors import ArchsimError
from archsim.outputs import OutputKind, archive_of, check_output, first_bytes, writing
from archsim.workloads.features import FEATURES, load_features
from archsim.workloads.keyword_spotting.speech_commands import (
    CLASSES,
    RawFeatures,
    Split,
    load_raw_mfcc,
    load_speech_commands,
)
from archsim.workloads.mfcc import COEFFICIENTS

try:
    import torch
    from safetensors.torch import save
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError:
    print("this needs torch and safetensors: pip install 'archsim[train]'", file=sys.stderr)
    sys.exit(1)

WEIGHTS = "weights.safetensors"
TEST_FEATURES = "test_features.npz"
UNITS = 32
CELL = slice(2 * UNITS, 3 * UNITS)  # the gate g among i, f, g, o
FRACTION = 2.0**11
LARGEST = 16.0 - 1.0 / FRACTION
RAMP_BITS = 8
MEL_BANDS = 64
LINEAR_BANDS = 21.0  # about so many mel bands to 1 kHz, where the scale turns logarithmic


def _is_safetensors(path: Path) -> bool:
    return first_bytes(path)[8:9] == b"{"  # after the header's length


_SAFETENSORS = OutputKind("a file of weights", _is_safetensors, "folder")
_CACHE = OutputKind(
    "a file of coefficients",
    archive_of("mfcc", "labels", "names", "synthetic", "description"),
    "--cache",
)


@dataclass(frozen=True)
class Chip:
    """What the chip does to the network.

    Attributes
    ----------
    bits : int
        Magnitude bits of inputs and ``h``, and bits of the nonlinear converter.
    ramp : float
        Half range R of the logits' converter.
    noise : float
        Standard deviation of the weights' noise, as a fraction of the tile's largest weight.
    """

    bits: int
    ramp: float
    noise: float = 0.0

    @property
    def steps(self) -> float:
        """Steps between the lowest and the highest level of the converter."""
        return 2.0**self.bits - 1.0


class ChipLstm(torch.autograd.Function):
    """The quantised recurrence; its gradient is that of the recurrence without rounding."""

    @staticmethod
    def forward(ctx: Any, sums_x: Tensor, weight_hh: Tensor, chip: Chip) -> Tensor:
        """Turn sums over the inputs (B, T, 4H) into the last quantised ``h`` (B, H)."""
        transposed = weight_hh.t().contiguous()
        h = sums_x.new_zeros(len(sums_x), UNITS)
        c = h
        ctx.kept, ctx.weight_hh = [], weight_hh
        for at_t in sums_x.unbind(1):
            sums = torch.addmm(at_t, h, transposed)
            g_exact = torch.tanh(sums[:, CELL])
            gates_exact = sums.sigmoid_()
            g = fixed_point(nearest(g_exact, chip.steps / 2.0, -1.0))
            i, f, _, o = fixed_point(nearest(gates_exact, chip.steps)).chunk(4, 1)
            before = h, c
            c = fixed_point(f * c + i * g)
            squashed = fixed_point(torch.tanh(c))
            h = signed_magnitude(fixed_point(o * squashed), chip.steps)
            ctx.kept.append((before, (i, f, g, o), gates_exact, g_exact, squashed))
        return h

    @staticmethod
    def backward(ctx: Any, grad_h: Tensor) -> tuple[Tensor, Tensor, None]:
        """Go back through time."""
        grad_weight = torch.zeros_like(ctx.weight_hh)
        grad_c = torch.zeros_like(grad_h)
        grads = []
        for (h, c), (i, f, g, o), gates_exact, g_exact, squashed in reversed(ctx.kept):
            grad_c = grad_c + grad_h * o * (1.0 - squashed * squashed)
            grad = torch.cat((grad_c * g, grad_c * c, grad_c * i, grad_h * squashed), 1)
            slope = gates_exact * (1.0 - gates_exact)
            slope[:, CELL] = 1.0 - g_exact * g_exact
            grad *= slope
            grads.append(grad)
            grad_c = grad_c * f
            grad_weight.addmm_(grad.t(), h)
            grad_h = grad @ ctx.weight_hh
        return torch.stack(grads[::-1], 1), grad_weight, None


class Ramp(torch.autograd.Function):
    """The logits' linear converter: clipped to its range, nearest level; gradient 1."""

    @staticmethod
    def forward(_ctx: Any, logits: Tensor, half_range: float) -> Tensor:
        """Convert."""
        steps = (2.0**RAMP_BITS - 1.0) / (2.0 * half_range)
        return nearest(logits.clamp(-half_range, half_range), steps, -half_range)

    @staticmethod
    def backward(_ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Pass the gradient as if nothing had took_place."""
        return grad, None


def nearest(x: Tensor, steps: float, offset: float = 0.0) -> Tensor:
    """Nearest of ``offset + k / steps``, ties upwards."""
    return x.sub(offset).mul_(steps).add_(0.5).floor_().div_(steps).add_(offset)


def signed_magnitude(x: Tensor, steps: float) -> Tensor:
    """Sign and magnitude of a number in [-1, 1], the magnitude rounded half up."""
    return torch.copysign(nearest(x.abs(), steps), x)


def fixed_point(x: Tensor) -> Tensor:
    """Word of 16 bits, 11 of them fraction."""
    return nearest(x, FRACTION).clamp_(-16.0, LARGEST)


class Normalise(nn.Module):
    """``clip((mfcc - mean) / scale, -1, 1)``."""

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, mfcc: Tensor) -> Tensor:
        """Coefficients (B, T, 40) to inputs in [-1, 1]."""
        return torch.clamp((mfcc - self.mean) / self.scale, -1.0, 1.0)


class KeywordSpotter(nn.Module):
    """The network; its parameters have the names that the simulator reads."""

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.features = Normalise(mean, scale)
        self.lstm = nn.LSTM(COEFFICIENTS, UNITS, batch_first=True)
        self.output = nn.Linear(UNITS, len(CLASSES))
        with torch.no_grad():
            # Equal biases stay equal: each is half of the one bias row on the chip.
            for bias in (self.lstm.bias_ih_l0, self.lstm.bias_hh_l0):
                bias.zero_()
                bias[UNITS : 2 * UNITS] = 0.5

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn inputs (B, T, 40) into logits (B, 12), in floating point."""
        h, _ = self.lstm(inputs)
        return self.output(h[:, -1])

    def on_chip(self, inputs: Tensor, chip: Chip, generator: torch.Generator) -> Tensor:
        """Turn inputs (B, T, 40) into logits (B, 12) as the chip does."""
        bias = self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0
        tile = [self.lstm.weight_ih_l0, self.lstm.weight_hh_l0, bias]
        weight_ih, weight_hh, bias = noisy(tile, chip, generator)
        quantised = signed_magnitude(inputs, chip.steps)
        h = ChipLstm.apply(functional.linear(quantised, weight_ih, bias), weight_hh, chip)
        weight, bias = noisy([self.output.weight, self.output.bias], chip, generator)
        return Ramp.apply(functional.linear(h, weight, bias), chip.ramp)

    def clip_weights(self, bound: float) -> None:
        """Keep every weight, and the sum of the two biases, within the bound."""
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                limit = bound / 2 if name.startswith("lstm.bias") else bound
                parameter.clamp_(-limit, limit)


def noisy(tile: list[Tensor], chip: Chip, generator: torch.Generator) -> list[Tensor]:
    """Add noise to all weights of a tile, relative to its largest."""
    if chip.noise == 0.0:
        return tile
    largest = max(float(w.detach().abs().max()) for w in tile)
    sigma = chip.noise * largest
    return [w + sigma * torch.randn(w.shape, generator=generator) for w in tile]


def throat_warps(*, largest: float = 0.12, count: int = 25) -> Tensor:
    """Matrices (count, 40, 40) that scale a sound's frequencies by 1 - largest to 1 + largest.

    Back to the mel bands, a shift along them that grows with the band as the mel scale wants it
    (linear to 1 kHz at band 21, logarithmic above), and forth to cosine coefficients.
    """
    bands = torch.arange(MEL_BANDS, dtype=torch.float32)
    order = torch.arange(COEFFICIENTS, dtype=torch.float32).unsqueeze(1)
    cosines = torch.cos(torch.pi * order * (2 * bands + 1) / (2 * MEL_BANDS))
    cosines *= torch.sqrt(torch.where(order == 0, 1.0, 2.0) / MEL_BANDS)
    matrices = []
    for factor in torch.linspace(1 - largest, 1 + largest, count):
        shift = (factor - 1) * bands.clamp(max=LINEAR_BANDS)
        distance = (bands - shift).clamp(0, MEL_BANDS - 1).unsqueeze(1) - bands
        pick = (1 - distance.abs()).clamp(min=0)  # linear interpolation between two bands
        matrices.append(cosines @ pick @ cosines.t())
    return torch.stack(matrices)


def augment(mfcc: Tensor, spread: Tensor, warps: Tensor, generator: torch.Generator) -> Tensor:
    """Scale frequencies, stretch and shift in time, colour, blank a few frames."""
    count, frames, width = mfcc.shape
    chosen = torch.randint(len(warps), (count,), generator=generator)
    mfcc = mfcc @ warps[chosen].transpose(1, 2)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator)

    steps = torch.arange(frames, dtype=torch.float32) - frames / 2
    position = steps / uniform(0.85, 1.18, count, 1) + frames / 2 + uniform(-5, 5, count, 1)
    position = position.clamp(0, frames - 1)
    low = position.floor().long().clamp(max=frames - 2)
    part = (position - low).unsqueeze(-1)
    rows = torch.arange(count).unsqueeze(1)
    warped = mfcc[rows, low] * (1 - part) + mfcc[rows, low + 1] * part
    colour = 0.2 * spread * torch.randn(count, 1, width, generator=generator)
    start = uniform(0, frames, count, 1)
    index = torch.arange(frames)
    blank = (index >= start) & (index < start + uniform(0, 6, count, 1))
    return torch.where(blank.unsqueeze(-1), warped.mean(1, keepdim=True), warped + colour)


def train(
    model: KeywordSpotter, data: RawFeatures, *, chip: Chip, args: argparse.Namespace
) -> None:
    """Train in place with Adam, a short warm-up and a cosine schedule."""
    mfcc, labels = torch.from_numpy(data.mfcc), torch.from_numpy(data.labels)
    generator = torch.Generator().manual_seed(args.seed)
    spread, warps = mfcc.std((0, 1)), throat_warps()
    batches = len(labels) // args.batch
    optimiser = torch.optim.Adam(model.parameters(), lr=args.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, args.rate, total_steps=args.epochs * batches, pct_start=0.1
    )
    for epoch in range(args.epochs):
        began, total = time.monotonic(), 0.0
        order = torch.randperm(len(labels), generator=generator)
        for batch in order[: batches * args.batch].view(batches, args.batch):
            inputs = model.features(augment(mfcc[batch], spread, warps, generator))
            logits = model.on_chip(inputs, chip, generator)
            loss = functional.cross_entropy(logits, labels[batch], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            model.clip_weights(args.clip)
            total += loss.item()
        took = time.monotonic() - began
        print(f"epoch {epoch + 1}: loss {total / batches:.4f}, {took:.1f} s", flush=True)


def accuracy(
    model: KeywordSpotter, inputs: Tensor, labels: Tensor, chip: Chip | None, *, draws: int = 1
) -> float:
    """Share of right answers, per cent; the mean over ``draws`` of the weights' noise."""
    generator = torch.Generator().manual_seed(1)
    right = 0.0
    with torch.no_grad():
        for _ in range(draws):
            logits = model(inputs) if chip is None else model.on_chip(inputs, chip, generator)
            right += float((logits.argmax(1) == labels).float().mean())
    return 100.0 * right / draws


def report(
    model: KeywordSpotter, name: str, inputs: Tensor, labels: Tensor, args: argparse.Namespace
) -> None:
    """Print one line of accuracies."""
    shares = [f"float {accuracy(model, inputs, labels, None):.2f} %"]
    for bits in sorted({args.bits, 5, 4, 3}, reverse=True):
        share = accuracy(model, inputs, labels, Chip(bits, args.ramp))
        shares.append(f"{bits} bits {share:.2f} %")
    noise = Chip(args.bits, args.ramp, args.report_noise)
    share = accuracy(model, inputs, labels, noise, draws=10)
    shares.append(f"{args.bits} bits and {args.report_noise:.1%} noise {share:.2f} %")
    print(f"{name} ({len(labels)} utterances): {', '.join(shares)}", flush=True)


def load(args: argparse.Namespace, split: Split) -> RawFeatures:
    """Read a split's coefficients, from the cache folder where an earlier run left them."""
    kept = args.cache and args.cache / f"{split.value}.npz"
    if kept and kept.exists():
        with np.load(kept) as file:
            names = tuple(str(name) for name in file["names"])
            synthetic, about = bool(file["synthetic"]), str(file["description"])
            return RawFeatures(file["mfcc"], file["labels"], names, synthetic, about)
    data = load_raw_mfcc(args.data, split=split, seed=args.seed)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with writing(kept, _CACHE) as draft, draft.open("wb") as file:
            np.savez(file, **vars(data))
    return data


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder in the layout of Speech Commands")
    parser.add_argument("out", type=Path, help="folder for weights and test features")
    parser.add_argument(
        "--bits", type=int, default=5, choices=range(2, 9), help="bits of converter, inputs and h"
    )
    parser.add_argument("--ramp", type=float, default=8.0, help="half range of the logits")
    parser.add_argument("--clip", type=float, default=2.0, help="largest weight")
    parser.add_argument("--noise", type=float, default=0.025, help="noise over largest weight")
    parser.add_argument("--report-noise", type=float, default=0.025, help="same, in the report")
    parser.add_argument("--range", type=float, default=2.5, help="scale over standard deviation")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1e-2, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shipped", type=int, default=50, help="test utterances a class to write")
    parser.add_argument("--cache", type=Path, help="folder that keeps the coefficients")
    return parser.parse_args()


def write(model: KeywordSpotter, args: argparse.Namespace) -> None:
    """Write the weights and the test features, and report on the latter."""
    weights = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    with writing(args.out / WEIGHTS, _SAFETENSORS) as draft:
        draft.write_bytes(save(weights))
    shipped = load_speech_commands(
        args.data,
        split=Split.TEST,
        mean=weights["features.mean"].numpy(),
        scale=weights["features.scale"].numpy(),
        limit=args.shipped,
        seed=args.seed,
    )
    path = args.out / TEST_FEATURES
    shipped = shipped.interleaved()
    shipped.save(path)
    kept = torch.from_numpy(load_features(path).features)
    report(model, "shipped test features", kept, torch.from_numpy(shipped.labels), args)


def run(args: argparse.Namespace) -> None:
    """Train, report, write."""
    check_output(args.out / WEIGHTS, _SAFETENSORS, make_folder=True)
    check_output(args.out / TEST_FEATURES, FEATURES)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    began = time.monotonic()
    data = {split: load(args, split) for split in Split}
    print(f"coefficients: {time.monotonic() - began:.0f} s", flush=True)
    seen = data[Split.TRAIN].mfcc.reshape(-1, COEFFICIENTS)
    scale = torch.from_numpy(args.range * seen.std(0))
    model = KeywordSpotter(torch.from_numpy(seen.mean(0)), scale)
    chip = Chip(args.bits, args.ramp, args.noise)
    train(model, data[Split.TRAIN], chip=chip, args=args)
    for split in Split:
        inputs = model.features(torch.from_numpy(data[split].mfcc))
        report(model, split.value, inputs, torch.from_numpy(data[split].labels), args)
    write(model, args)
    print(f"all: {time.monotonic() - began:.0f} s")


def main() -> int:
    """Run; the exit code."""
    args = parse_args()
    try:
        run(args)
    except ArchsimError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
