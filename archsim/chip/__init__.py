"""Build: networks laid out on tiles, ramps designed, digital units sized, all as flat arrays."""
