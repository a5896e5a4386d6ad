"""A GRU: section, build, kernel, float reference."""
