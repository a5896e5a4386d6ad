"""What the float64 network answers."""
