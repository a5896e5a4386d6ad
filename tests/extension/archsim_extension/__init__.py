"""A GRU, flash converters, chirps, leaky devices costs from a table and a function, for archsim."""
