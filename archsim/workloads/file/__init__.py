"""Sequences of anyone's, from a file of arrays or a table."""
