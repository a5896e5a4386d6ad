"""Write the measured-device tables in configs/devices/ from published fits.

    python tools/make_device_tables.py

Each table is CSV: target, mean and sigma of the conductance after programming, in siemens.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.polynomial import Polynomial

FOLDER = Path(__file__).parent.parent / "configs" / "devices"
POINTS = 41

# Largest conductance (uS), sigma (uS) as a polynomial of target / largest, where it is from.
TABLES = {
    "pcm-joshi2020.csv": (
        25.0,
        Polynomial([0.2635, 1.9650, -1.1731]),
        (
            "Programming noise of phase-change memory: Joshi et al., Nature Communications 11:2473 "
            "(2020), as in IBM's aihwkit documentation, 'Inference and PCM statistical model'."
        ),
    ),
    "rram-wan2022.csv": (
        40.0,
        Polynomial([0.348, 16.030, -43.853, 45.393, -16.815]),
        (
            "Deviation of HfOx RRAM from its target 1 s after programming: polynomial fit in IBM's "
            "aihwkit (ReRamWan2022NoiseModel) to Wan et al., Nature 608:504 (2022)."
        ),
    ),
}


def main() -> None:
    """Write every table."""
    for name, (largest, sigma, source) in TABLES.items():
        share = np.linspace(0.0, 1.0, POINTS)
        lines = [
            f"# {source}",
            "# Written by tools/make_device_tables.py.",
            "target_s,mean_s,sigma_s",
        ]
        for x in share:
            target = x * largest * 1e-6
            spread = max(float(sigma(x)), 0.0) * 1e-6
            lines.append(f"{target:.6g},{target:.6g},{spread:.6g}")
        (FOLDER / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
