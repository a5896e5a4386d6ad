"""Spoken words: prepared features, or folders in the layout of Google Speech Commands."""
