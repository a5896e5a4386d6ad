"""Bit-serial converters: section, build, cost, kernel."""
