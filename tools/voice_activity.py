"""Silero VAD's recurrent part on the chip, which says whether there is speech in a frame.

Silero VAD (https://github.com/snakers4/silero-vad, MIT) finds speech in sound: an encoder of five
convolutions, an LSTM of 128 units, a ReLU and a linear layer with one output. The encoder stays in
floating point, in ONNX Runtime or in PyTorch; LSTM, ReLU and linear layer go on the chip. The
package holds two sets of weights, which are not the same network:

- ``silero_vad_16k_sequence.onnx``, whose encoder and whole run in ONNX Runtime;
- ``silero_vad_16k.safetensors``, whose encoder and whole run in PyTorch.

Each is held against its own pipeline in floating point. What is heard: recorded speech (Debian's
``pocketsphinx-testdata``), as much silence, and as much noise; every other sound is there to find
ranges with, the rest is the test.

    pip install --no-deps silero-vad
    pip install onnx onnxruntime torch
    apt-get install pocketsphinx-testdata
    python tools/voice_activity.py --out silero
    archsim run silero/onnx/chip.yaml
"""

from __future__ import annotations

import argparse
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from safetensors.numpy import load, save_file

import archsim

Array = NDArray[np.float32]

RECORDINGS = Path("/usr/share/pocketsphinx/test/data")
KINDS = ("speech", "silence", "noise")
RATE, FRAME, CONTEXT, UNITS = 16_000, 512, 64, 128
ONNX, SAFETENSORS = "silero_vad_16k_sequence.onnx", "silero_vad_16k.safetensors"
FINE = {
    "adc.kind": "ideal",
    "tile.input_bits": 10,
    "network.layers.2.bits": 10,
    "digital.word_bits": 24,
    "digital.fraction_bits": 11,
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
    encoded = node.input[0]
    model.graph.output.append(onnx.ValueInfoProto(name=encoded))  # what the LSTM takes in
    session = ort.InferenceSession(model.SerializeToString())
    zeros = np.zeros((1, 1, UNITS), dtype=np.float32)

    def asked(output: str, frames: Array) -> Array:
        return np.asarray(session.run([output], {"input": frames, "h": zeros, "c": zeros})[0])

    return Network(
        lambda frames: asked(encoded, frames).reshape(-1, UNITS),
        lambda frames: asked("speech_probs", frames).ravel(),
        tensors,
    )


def torch_network(data: bytes) -> Network:
    """Return the network of a safetensors file, in PyTorch."""
    import torch
    from torch.nn import functional

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
        return functional.relu(functional.conv1d(x, weight, bias, stride=stride, padding=1))

    def encode(frames: Array) -> Array:
        with torch.no_grad():
            x = functional.pad(torch.from_numpy(frames)[:, None], (0, CONTEXT), mode="reflect")
            x = functional.conv1d(x, tensor["stft_conv.weight"], stride=128)
            x = (x[:, :129] ** 2 + x[:, 129:] ** 2).sqrt()
            for number, stride in enumerate((1, 2, 2, 1), 1):
                x = convolve(x, f"conv{number}", stride)
        return np.asarray(x.numpy()[:, :, 0])

    def whole(frames: Array) -> Array:
        state, chance = None, []
        with torch.no_grad():
            for x in torch.from_numpy(encode(frames)):
                state = cell(x[None], state)
                hidden = functional.relu(state[0])[..., None]
                out = functional.conv1d(
                    hidden, tensor["final_conv.weight"], tensor["final_conv.bias"]
                )
                chance.append(float(out.sigmoid()))
        return np.array(chance, dtype=np.float32)

    return Network(encode, whole, tensors)


def package_data() -> Path:
    """Return the folder with the weights of the installed package, which is not imported."""
    found = find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        msg = "the package silero-vad is missing: pip install --no-deps silero-vad"
        raise FileNotFoundError(msg)
    return Path(found.submodule_search_locations[0]) / "data"


def read_network(which: str) -> Network:
    """Return the network of the package's ONNX file or of its safetensors file."""
    name, read = (ONNX, onnx_network) if which == "onnx" else (SAFETENSORS, torch_network)
    return read((package_data() / name).read_bytes())


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


# --------------------------------------------------------------------------------- what it does


def float_chances(folder: Path) -> Array:
    """Return the chance of speech (sounds, timesteps) that archsim's float64 network gives.

    Of the sounds of the test; NaN behind their ends.
    """
    from archsim.chip.flow import float_outputs
    from archsim.workloads.base import load_workload

    config = archsim.load(folder / "chip.yaml")
    chip, data = archsim.build_chip(config), load_workload(config)
    logit = float_outputs(config.network, chip.layers, data.inputs.astype(np.float64), data.length)
    within = np.arange(logit.shape[1]) < data.length[:, None]
    return np.where(within, 1 / (1 + np.exp(-logit[:, :, 0])), np.nan)


def pipeline_chances(network: Network, sounds: list[Sound]) -> list[Array]:
    """Return the chance of speech in the frames of each sound of the test, by its own pipeline."""
    return [network.whole(frames_of(sound.samples)) for sound in tested(sounds)]


def tested(sounds: list[Sound]) -> list[Sound]:
    """Return the sounds that no range was found with."""
    return [sound for number, sound in enumerate(sounds) if number // 3 % 2 == 0]


def agreements(folder: Path, changes: dict[str, Any]) -> tuple[archsim.Run, NDArray[np.bool_]]:
    """Run the chip; return the run, and which decisions (sounds, timesteps) are the float ones."""
    run = archsim.run(folder / "chip.yaml", set={**changes, "trace.level": "off"})
    return run, run.answer == np.where(run.answer < 0, -1, float_chances(folder) > 0.5)


def at_bits(bits: int) -> dict[str, Any]:
    """Return the keys of a chip with so many bits in its converters and pulse widths."""
    return {"adc.bits": bits, "tile.input_bits": bits, "network.layers.2.bits": 8}


def no_ranges() -> dict[str, Any]:
    """Return the keys of a chip whose ranges were left as they are by default."""
    return {
        **at_bits(8),
        "network.input_range": 1,
        "network.layers.2.input_range": [-8, 8],
        "digital.fraction_bits": 11,
    }


def causes(folder: Path, bits: int) -> dict[str, dict[str, Any]]:
    """Return chips that are fine but for one thing, which has so many bits."""
    scale = (2**10 - 1) / (2**bits - 1)
    reach = float(archsim.load(folder / "chip.yaml").network.input_range)
    return {
        "nothing": FINE,
        "input": {**FINE, "network.input_range": reach * scale},
        "h": {**FINE, "network.layers.0.output_range": scale},
        "c": {
            **FINE,
            "digital.word_bits": 16,
            "digital.fraction_bits": 7,
            "digital.table_entries": 512,
        },
        "table of tanh(c)": {**FINE, "digital.table_entries": 256},
        "converter": {**FINE, "adc.kind": "nonlinear_ramp", "adc.bits": bits},
    }


def share(part: NDArray[np.bool_], of: NDArray[np.bool_]) -> str:
    """Return a share in percent."""
    return f"{(part & of).sum() / of.sum():8.2%}"


def print_table(folder: Path, sounds: list[Sound], chips: dict[str, dict[str, Any]]) -> None:
    """Print how decisions agree with the float network's: by its decision, and by what is heard."""
    kinds = np.array([sound.kind for sound in tested(sounds)])
    print(f"{'':18}    all  float: speech   none   recorded speech  silence    noise      area")
    for name, changes in chips.items():
        run, same = agreements(folder, changes)
        made = run.answer >= 0
        metric = run.summary.metrics
        cells = [f"{metric['agreement'].value:8.2%}"]
        cells += [f"{metric[f'agreement_{side}'].value:8.2%}" for side in ("above", "below")]
        cells += [share(same, made & (kinds == kind)[:, None]) for kind in KINDS]
        print(f"{name:18}", *cells, f"{metric['area_under_curve'].value:9.5f}")


def main() -> None:
    """Write both chips and print how they do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, default=RECORDINGS)
    parser.add_argument("--out", type=Path, default=Path("silero"), help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="of silence and noise")
    args = parser.parse_args()
    sounds = make_sounds(args.recordings, seed=args.seed)
    for which in ("onnx", "safetensors"):
        folder = args.out / which
        try:
            network = read_network(which)
        except ImportError as error:
            print(f"{which}: left out, it needs {error.name}", file=sys.stderr)
            continue
        write_chip(network, sounds, folder)
        own, ours = pipeline_chances(network, sounds), float_chances(folder)
        apart = max(
            float(np.abs(row[: len(chance)] - chance).max())
            for row, chance in zip(ours, own, strict=True)
        )
        print(f"\n{which}: {folder / 'chip.yaml'}")
        print(f"float64 network and its own pipeline: chances of speech within {apart:.1e}")
        chips = {f"{bits} bits": at_bits(bits) for bits in range(3, 9)}
        print_table(folder, sounds, {**chips, "8 bits, no ranges": no_ranges()})
        for bits in (8, 3):
            print(f"one thing with {bits} bits, the rest fine; c with 7 bits behind the point")
            print_table(folder, sounds, causes(folder, bits))


if __name__ == "__main__":
    main()
