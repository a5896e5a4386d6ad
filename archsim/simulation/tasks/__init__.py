"""What runs answer and how that is scored, a folder for each kind of task."""
