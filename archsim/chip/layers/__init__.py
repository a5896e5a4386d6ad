"""Layers on a chip, a folder a kind: section, build, cost, kernel, float reference."""
