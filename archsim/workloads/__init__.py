"""Workloads: keyword spotting from feature files or from a folder of recorded words."""
