"""A GRU, flash converters, chirps, leaky devices, costs, a function, an experiment, for archsim."""
