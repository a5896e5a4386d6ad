"""A sum of layers, element by element: section, build, arithmetic, float reference."""
