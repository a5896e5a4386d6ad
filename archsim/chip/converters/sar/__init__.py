"""Successive approximation: section, build, cost, kernel."""
