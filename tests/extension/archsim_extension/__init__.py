"""A GRU, flash converters, chirps, leaky devices and costs from a table, for archsim."""
