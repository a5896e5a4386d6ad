"""Converters at the feet of the columns, a folder a kind: section, build, cost, kernel."""
