"""Networks of others: PyTorch, ONNX, Keras and files of named tensors, read, checked, written."""
