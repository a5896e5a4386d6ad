"""Numbers, at the last timestep or at every one."""
