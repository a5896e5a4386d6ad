"""Silero VAD's recurrent part on the chip: is there speech in a frame of 32 ms?

Silero VAD (https://github.com/snakers4/silero-vad, MIT) finds speech in sound: an encoder of five
convolutions, an LSTM of 128 units, a ReLU and a linear layer with one output. The encoder stays in
floating point, in ONNX Runtime or in PyTorch; LSTM, ReLU and linear layer go on the chip. The
package holds two sets of weights, which are not the same network:

- ``silero_vad_16k_sequence.onnx``, whose encoder and whole run in ONNX Runtime;
- ``silero_vad_16k.safetensors``, whose encoder and whole run in PyTorch.

Each is held against its own pipeline in floating point. What is heard: recorded speech (Debian's
``pocketsphinx-testdata``), as much silence, and as much noise; every other sound is there to find
ranges with, the rest is the test.

    pip download --no-deps silero-vad
    apt-get install pocketsphinx-testdata
    python tools/silero_vad.py silero_vad-*.whl --out silero
    archsim run silero/onnx/chip.yaml
"""

from __future__ import annotations

import argparse
import sys
import wave
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from safetensors.numpy import load, save_file

import archsim

Array = NDArray[np.float32]

RECORDINGS = Path("/usr/share/pocketsphinx/test/data")
RATE, FRAME, CONTEXT, UNITS = 16_000, 512, 64, 128
ONNX, SAFETENSORS = "silero_vad_16k_sequence.onnx", "silero_vad_16k.safetensors"
FINE = {
    "adc.kind": "ideal",
    "tile.input_bits": 10,
    "network.layers.2.bits": 10,
    "digital.word_bits": 24,
    "digital.fraction_bits": 15,
    "digital.table_entries": 4096,
}
"""A chip that rounds next to nothing: what each of its parts loses is seen beside it."""


@dataclass(frozen=True)
class Sound:
    """A recording, or as much silence or noise.

    Attributes
    ----------
    name, kind : str
        What it is; ``speech``, ``silence`` or ``noise``.
    samples : float32 (n,)
        Its samples, -1 to 1, 16 kHz.
    """

    name: str
    kind: str
    samples: Array


@dataclass(frozen=True)
class Network:
    """The network with one set of weights.

    Attributes
    ----------
    encode : callable
        Frames (n, 576) to what the LSTM takes in (n, 128).
    whole : callable
        Frames (n, 576) of one sound to the chance of speech in each (n,), by the weights' own
        pipeline from end to end.
    tensors : mapping of arrays
        Weights of LSTM and linear layer, by archsim's names.
    """

    encode: Callable[[Array], Array]
    whole: Callable[[Array], Array]
    tensors: dict[str, Array]


# ------------------------------------------------------------------------------------ sounds


def read_sound(path: Path) -> Array:
    """Return the samples (n,) of a recording: 16 bits, one channel, 16 kHz."""
    if path.suffix == ".raw":
        data = path.read_bytes()
    else:
        with wave.open(str(path)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
                msg = f"{path}: is not of 16 bits, one channel and 16 kHz"
                raise ValueError(msg)
            data = file.readframes(file.getnframes())
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / 32_768


def make_noise(kind: int, count: int, rng: np.random.Generator) -> Array:
    """Return noise (count,) whose power falls with frequency f as 1, 1/f or 1/f^2, or mains hum."""
    if kind == 3:
        time = np.arange(count) / RATE
        sound = sum(np.sin(2 * np.pi * 50 * n * time) / n for n in range(1, 12))
        sound = sound + 0.05 * rng.normal(size=count)
    else:
        spectrum = np.fft.rfft(rng.normal(size=count))
        sound = np.fft.irfft(spectrum / np.arange(1, spectrum.size + 1) ** (kind / 2), count)
    level = 10 ** (rng.uniform(-50, -20) / 20)  # root mean square, of full scale
    return np.clip(sound / np.std(sound) * level, -1, 1).astype(np.float32)


def make_sounds(folder: Path, *, seed: int) -> list[Sound]:
    """Return all recordings, and for each as long a silence and as long a noise."""
    rng = np.random.default_rng(seed)
    paths = sorted(folder.glob("*/*.wav")) + sorted(folder.glob("**/*.raw"))
    if not paths:
        msg = f"{folder}: holds no recordings; apt-get install pocketsphinx-testdata"
        raise FileNotFoundError(msg)
    sounds = []
    for number, path in enumerate(paths):
        samples = read_sound(path)
        hiss = rng.normal(size=samples.size) * 10 ** (rng.uniform(-90, -70) / 20)
        noise = make_noise(number % 4, samples.size, rng)
        sounds.append(Sound(path.stem, "speech", samples))
        sounds.append(Sound(f"silence {number}", "silence", hiss.astype(np.float32)))
        sounds.append(Sound(f"noise {number}", "noise", noise))
    return sounds


def frames_of(samples: Array) -> Array:
    """Return frames of 32 ms (n, 576), each behind the last 4 ms of the one before."""
    count = -(-samples.size // FRAME)
    padded = np.zeros(CONTEXT + count * FRAME, dtype=np.float32)
    padded[CONTEXT : CONTEXT + samples.size] = samples
    starts = np.arange(count)[:, None] * FRAME
    return padded[starts + np.arange(CONTEXT + FRAME)]


# ---------------------------------------------------------------------------------- networks


def onnx_network(data: bytes) -> Network:
    """Return the network of an ONNX file, in ONNX Runtime."""
    import onnx
    import onnxruntime as ort
    from onnx import numpy_helper

    model = onnx.load_from_string(data)
    (node,) = (each for each in model.graph.node if each.op_type == "LSTM")
    arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    # ONNX's gates are i, o, f, g; PyTorch's and archsim's i, f, g, o.
    order = np.concatenate([np.arange(UNITS) + UNITS * gate for gate in (0, 2, 3, 1)])
    w, r, b = (arrays[name][0] for name in node.input[1:4])
    tensors = {
        "lstm.weight_ih_l0": w[order],
        "lstm.weight_hh_l0": r[order],
        "lstm.bias_ih_l0": b[: 4 * UNITS][order],
        "lstm.bias_hh_l0": b[4 * UNITS :][order],
        "output.weight": arrays["output.weight"][:, :, 0],
        "output.bias": arrays["output.bias"],
    }
    encoder = onnx.utils.Extractor(model).extract_model(["input"], [node.input[0]])
    encoding = ort.InferenceSession(encoder.SerializeToString())
    session = ort.InferenceSession(data)
    zeros = np.zeros((1, 1, UNITS), dtype=np.float32)

    def encode(frames: Array) -> Array:
        return np.asarray(encoding.run(None, {"input": frames})[0]).reshape(-1, UNITS)

    def whole(frames: Array) -> Array:
        given = {"input": frames, "h": zeros, "c": zeros}
        return np.asarray(session.run(["speech_probs"], given)[0]).ravel()

    return Network(encode, whole, tensors)


def torch_network(data: bytes) -> Network:
    """Return the network of a safetensors file, in PyTorch."""
    import torch
    from torch.nn import functional as F

    arrays = load(data)
    tensor = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    cell = torch.nn.LSTMCell(UNITS, UNITS)
    cell.load_state_dict(
        {name[10:]: each for name, each in tensor.items() if name.startswith("lstm_cell.")}
    )
    tensors = {
        **{f"lstm.{name}_l0": arrays[f"lstm_cell.{name}"] for name in dict(cell.state_dict())},
        "output.weight": arrays["final_conv.weight"][:, :, 0],
        "output.bias": arrays["final_conv.bias"],
    }

    def convolve(x: Any, name: str, stride: int) -> Any:
        weight, bias = tensor[f"{name}.weight"], tensor[f"{name}.bias"]
        return F.relu(F.conv1d(x, weight, bias, stride=stride, padding=1))

    def encode(frames: Array) -> Array:
        with torch.no_grad():
            x = F.pad(torch.from_numpy(frames)[:, None], (0, CONTEXT), mode="reflect")
            x = F.conv1d(x, tensor["stft_conv.weight"], stride=128)
            x = (x[:, :129] ** 2 + x[:, 129:] ** 2).sqrt()
            for number, stride in enumerate((1, 2, 2, 1), 1):
                x = convolve(x, f"conv{number}", stride)
        return np.asarray(x.numpy()[:, :, 0])

    def whole(frames: Array) -> Array:
        state, chance = None, []
        with torch.no_grad():
            for x in torch.from_numpy(encode(frames)):
                state = cell(x[None], state)
                hidden = F.relu(state[0])[..., None]
                out = F.conv1d(hidden, tensor["final_conv.weight"], tensor["final_conv.bias"])
                chance.append(float(out.sigmoid()))
        return np.array(chance, dtype=np.float32)

    return Network(encode, whole, tensors)


def read_network(wheel: Path, which: str) -> Network:
    """Return the network of the package's ONNX file or of its safetensors file."""
    name, read = (ONNX, onnx_network) if which == "onnx" else (SAFETENSORS, torch_network)
    with zipfile.ZipFile(wheel) as file:
        return read(file.read(f"silero_vad/data/{name}"))


# --------------------------------------------------------------------------------------- chip


def write_chip(network: Network, sounds: list[Sound], folder: Path) -> None:
    """Write weights, features and the configuration of a chip with ranges from its split."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.ascontiguousarray(array) for name, array in network.tensors.items()}
    save_file(tensors, folder / "weights.safetensors")
    features = [network.encode(frames_of(sound.samples)) for sound in sounds]
    np.savez_compressed(
        folder / "features.npz",
        inputs=np.concatenate(features),
        lengths=np.array([len(each) for each in features]),
        split=np.array(["ranges" if number // 3 % 2 else "test" for number in range(len(sounds))]),
        description=np.array("Silero VAD's encoder of recorded speech, silence and noise"),
    )
    document = {
        "extends": "yang2025-16nm",
        "name": "silero-vad",
        "description": "is there speech? LSTM and linear layer of Silero VAD on tiles",
        # The cell state reaches 165: 8 bits before the point and 7 behind it.
        "digital": {"word_bits": 16, "fraction_bits": 7},
        "network": {
            "inputs": UNITS,
            "timesteps": max(map(len, features)),
            "weights": "weights.safetensors",
            "layers": [
                {"kind": "lstm", "name": "lstm", "units": UNITS},
                {"kind": "function", "name": "relu", "function": "relu"},
                {"kind": "linear", "name": "output", "units": 1, "timesteps": "all"},
            ],
        },
        "workload": {"kind": "file", "source": "features.npz", "split": "test"},
        # An output above 0 is a chance of speech above one half.
        "task": {"kind": "agreement", "timesteps": "all", "threshold": 0},
        "trace": {"level": "cycle", "sequences": [0]},
    }
    start = folder / "start.yaml"
    start.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    found = archsim.calibrate(start, split="ranges")
    (folder / "chip.yaml").unlink(missing_ok=True)
    archsim.write_calibration(found, start, folder / "chip.yaml")


def float_error(network: Network, sounds: list[Sound], folder: Path) -> float:
    """Return how far archsim's float64 network is from the weights' own pipeline, in the chance."""
    from archsim.api.runs import load as load_config

    worst = 0.0
    config = load_config(folder / "chip.yaml")
    for sound in sounds[:6]:
        frames = frames_of(sound.samples)
        given = archsim.Sequences.of([network.encode(frames)])
        run = archsim.run(config, data=given, set={**FINE, "trace.level": "off"})
        logit = np.asarray(run.reference["output"])[0, : len(frames), 0]
        worst = max(worst, float(np.abs(1 / (1 + np.exp(-logit)) - network.whole(frames)).max()))
    return worst


def main() -> None:
    """Write both chips and print how they do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="silero_vad-*.whl")
    parser.add_argument("--recordings", type=Path, default=RECORDINGS)
    parser.add_argument("--out", type=Path, default=Path("silero"), help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="of silence and noise")
    args = parser.parse_args()
    sounds = make_sounds(args.recordings, seed=args.seed)
    for which in ("onnx", "safetensors"):
        try:
            network = read_network(args.wheel, which)
        except ImportError as error:
            print(f"{which}: left out, it needs {error.name}", file=sys.stderr)
            continue
        write_chip(network, sounds, args.out / which)
        print(f"{which}: {args.out / which / 'chip.yaml'}")


if __name__ == "__main__":
    main()
