"""A run in its trace: what is recorded, the groups of the file, and what fills them."""
