"""Traces: the HDF5 format ``archsim-trace/1``, its writer, its reader, its summary."""
