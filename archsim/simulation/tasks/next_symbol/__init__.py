"""The symbol that comes next, at every timestep."""
