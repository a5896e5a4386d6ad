"""A tile as a circuit: an ngspice netlist to check the simulator's model against."""
