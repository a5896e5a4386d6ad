"""What is computed: activation functions, layers, weights, and their floating-point reference."""
