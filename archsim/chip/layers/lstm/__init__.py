"""The layer: how it is built, what it computes."""
