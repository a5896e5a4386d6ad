"""One class a sequence."""
