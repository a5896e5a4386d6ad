"""Accuracy and energy of the chip over the bits of its converters."""

import archsim

for bits in (3, 4, 5, 6):
    run = archsim.run("chip.yaml", set={"adc.bits": bits}, out=f"traces/{bits}-bits.h5")
    summary = run.summary
    nanojoules = summary.energy_j * 1e9
    print(f"{bits} bits: {summary.accuracy:.2%} right, {nanojoules:.2f} nJ an inference")
