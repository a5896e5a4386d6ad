"""One run: what is prepared for it, the simulation, when things happen, what is recorded."""
