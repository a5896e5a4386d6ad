"""Write the golden results that tests compare with: `make golden`.

tests/golden/kws.json holds summaries and digests of codes of a few short runs; traces/golden.h5 is
the trace of one sequence. Write them anew only when a result is meant to change, and say why in the
commit.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from archsim.config.load import load_config
from archsim.simulation.simulate import run

ROOT = Path(__file__).parent.parent
IDEAL = ROOT / "configs" / "kws-ideal.yaml"
GOLDEN = ROOT / "tests" / "golden" / "kws.json"
TRACE = ROOT / "traces" / "golden.h5"
SEQUENCES = 8
CASES: dict[str, list[str]] = {
    "default": [],
    "3 bits": ["adc.bits=3"],
    "tanh by ramp": ["digital.cell_activation=ramp"],
    "digital output": ["network.layers.1.placement=digital"],
    "no gating": ["technology.clock_gating=false", "adc.gated_comparators=false"],
}


def result_of(overrides: list[str]) -> dict[str, Any]:
    """Run the ideal chip on a few sequences; return summary and digests of its outputs."""
    settings = ["name=kws", f"workload.sequences={SEQUENCES}", *overrides]
    loaded = load_config(IDEAL, settings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.h5"
        summary = run(loaded, path).summary.to_json()
        with h5py.File(path) as file:
            digests = {
                layer: hashlib.sha256(
                    np.ascontiguousarray(file[f"outputs/{layer}/{name}"][...]).tobytes()
                ).hexdigest()
                for layer, name in (("lstm", "code"), ("output", "label"))
            }
    for key in (
        "trace",
        "config_hash",
        "network_hash",
        "workload_hash",
        "choices",
        "components",
        "clipped",
    ):
        del summary[key]  # which run it was, and what it was held against
    return {"overrides": overrides, "digests": digests, "summary": summary}


def main() -> None:
    """Write the golden files."""
    golden = {name: result_of(overrides) for name, overrides in CASES.items()}
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
    one = ["name=kws", "workload.sequences=1", "trace.waveforms=false"]
    run(load_config(IDEAL, one), TRACE)
    print(GOLDEN)
    print(TRACE)


if __name__ == "__main__":
    main()
