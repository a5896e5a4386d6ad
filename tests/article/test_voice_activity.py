"""Does Silero VAD's recurrent part decide on the chip as it does in floating point?

Both sets of weights of the package against their own pipelines; decisions on recorded speech, on
silence and on noise, at 3 to 8 bits; and what the bits cost where they are few.
"""

from __future__ import annotations

import numpy as np
import pytest

import archsim
from archsim.errors import NetworkError
from tests.runs import ROOT
from tests.tools import require_package, require_recordings, tool

pytestmark = pytest.mark.slow
KINDS = ("speech", "silence", "noise")


@pytest.fixture(scope="module")
def script():
    require_package("silero_vad", "--no-deps silero-vad")
    return tool("voice_activity")


@pytest.fixture(scope="module")
def sounds(script):
    return script.make_sounds(require_recordings(), seed=0)


@pytest.fixture(scope="module", params=["onnx", "safetensors"])
def chip(request, script, sounds, tmp_path_factory):
    """A network with one set of weights, and the folder of its chip."""
    for package in ("onnx", "onnxruntime") if request.param == "onnx" else ("torch",):
        require_package(package, package)
    network = script.read_network(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    script.write_chip(network, sounds, folder)
    return network, folder


def test_the_packages_files_are_refused_in_a_sentence(script):
    """Convolutions, branches, states that go in: each file has one, and the sentence names it."""
    require_package("onnx", "onnx")
    files = sorted(script.package_data().glob("*.onnx"))
    assert len(files) >= 5
    for file in (*files, script.package_data() / script.SAFETENSORS):
        with pytest.raises(NetworkError, match=r"^[^\n]*\.(onnx|safetensors): [^\n]+$"):
            archsim.read_network(file)


def test_there_is_as_much_silence_and_noise_as_speech(script, sounds):
    assert {sound.kind for sound in sounds} == set(KINDS)
    for some in (sounds, script.tested(sounds)):
        length = {kind: [s.samples.size for s in some if s.kind == kind] for kind in KINDS}
        assert length["speech"] == length["silence"] == length["noise"]
    assert sum(sound.samples.size for sound in sounds) / script.RATE > 120  # seconds
    assert max(np.abs(s.samples).max() for s in sounds if s.kind == "silence") < 10 ** (-50 / 20)


def test_the_float_network_is_the_pipeline_of_its_weights(script, sounds, chip):
    network, folder = chip
    own, ours = script.pipeline_chances(network, sounds), script.float_chances(folder)
    assert len(own) == len(ours)
    for chance, row in zip(own, ours, strict=True):
        np.testing.assert_allclose(row[: len(chance)], chance, atol=1e-6)
    kinds = [sound.kind for sound in script.tested(sounds)]
    heard = {kind: np.concatenate([c for c, k in zip(own, kinds, strict=True) if k == kind])
             for kind in KINDS}  # fmt: skip
    assert (heard["speech"] > 0.5).mean() > 0.6
    assert (heard["silence"] > 0.5).mean() < 0.02


@pytest.mark.parametrize(("bits", "least"), [(3, 0.88), (4, 0.99), (5, 0.99), (8, 0.999)])
def test_decisions_are_the_float_networks(script, sounds, chip, bits, least):
    _, folder = chip
    run, same = script.agreements(folder, script.at_bits(bits))
    metrics = run.summary.metrics
    assert metrics["agreement"].value >= least
    assert min(metrics[f"agreement_{side}"].value for side in ("above", "below")) >= least
    assert metrics["area_under_curve"].value > (0.99 if bits == 3 else 0.9999)
    made = run.answer >= 0
    assert metrics["agreement"].value == pytest.approx((same & made).sum() / made.sum())
    if bits == 3:
        assert metrics["agreement"].value < 0.99


def test_ranges_matter_and_the_input_costs_most_at_three_bits(script, chip):
    _, folder = chip
    run, _ = script.agreements(folder, script.no_ranges())
    assert run.summary.metrics["agreement_above"].value < 0.97
    lost = {
        name: 1 - script.agreements(folder, changes)[0].summary.metrics["agreement"].value
        for name, changes in script.causes(folder, 3).items()
    }
    assert lost["nothing"] == 0
    assert max(lost, key=lost.__getitem__) == "input"
    assert lost["input"] > 0.02
    assert max(value for name, value in lost.items() if name != "input") < 0.01


def test_the_page_has_what_the_tool_prints(script, sounds, chip, capsys):
    """Shares within half a point: float32 of the encoder is not the same on every machine."""
    _, folder = chip
    script.print_table(folder, sounds, {"3 bits": script.at_bits(3), "5 bits": script.at_bits(5)})
    page = (ROOT / "docs/voice-activity.md").read_text(encoding="utf-8")
    kind = folder.name.rstrip("0123456789")
    section = page.split("## What costs it")[0].split(f"{kind.replace('onnx', 'ONNX')}:\n")[1]
    for line in capsys.readouterr().out.splitlines()[1:]:
        (told,) = (each for each in section.split("```")[1].splitlines() if each[:6] == line[:6])
        for mine, there in zip(line.split()[2:], told.split()[2:], strict=True):
            assert float(mine.rstrip("%")) == pytest.approx(float(there.rstrip("%")), abs=0.5)
