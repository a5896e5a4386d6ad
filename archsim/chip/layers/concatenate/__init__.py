"""Layers side by side: section and build."""
