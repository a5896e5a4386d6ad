"""A GRU layer: section, build, kernel, float reference."""
