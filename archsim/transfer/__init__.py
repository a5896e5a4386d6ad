"""How numbers become codes and codes numbers: levels, thresholds, ramps, rounding. No circuits."""
