"""A plain recurrent layer (Elman's): section, build, kernel, float reference."""
