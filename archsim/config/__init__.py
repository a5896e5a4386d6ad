"""Configurations: read, check, resolve, into frozen models in SI units."""
