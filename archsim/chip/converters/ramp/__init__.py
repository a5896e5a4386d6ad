"""Ramp converters: section, build, cost, kernel."""
