"""Numbers in SI units, with prefixes."""

from __future__ import annotations

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))
_SMALL = ((1e-12, "p"), (1e-15, "f"), (1e-18, "a"))


def with_prefix(value: float, unit: str, digits: int = 4) -> str:
    """Write a value in SI with the prefix that fits it, such as ``3.735 us``."""
    if value == 0:
        return f"0 {unit}"
    scales = (*_PREFIXES, *_SMALL)
    scale, prefix = next(((s, p) for s, p in scales if abs(value) >= s * (1 - 1e-9)), scales[-1])
    return f"{value / scale:.{digits}g} {prefix}{unit}"
