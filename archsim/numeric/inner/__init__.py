"""The innermost loops of the fused kernel, in Python and in vector instructions."""
