"""A linear layer: section, build, kernel, float reference."""
