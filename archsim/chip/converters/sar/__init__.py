"""The converter: how it is built, what it costs."""
