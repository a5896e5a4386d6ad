"""A label at every timestep."""
