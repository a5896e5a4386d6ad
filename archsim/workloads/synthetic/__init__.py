"""Random sequences."""
