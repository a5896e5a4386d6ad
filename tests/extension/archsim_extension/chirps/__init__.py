"""Chirps: sequences whose tone rises or falls."""
