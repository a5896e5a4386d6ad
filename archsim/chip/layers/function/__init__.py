"""A function of each element, in digital units: section, build, arithmetic, float reference."""
