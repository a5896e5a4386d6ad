"""Ideal converters: section, build, kernel."""
