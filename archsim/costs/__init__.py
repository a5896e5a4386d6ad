"""What everything costs: energy, area and leakage, each number with its source."""
