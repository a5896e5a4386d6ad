"""An LSTM layer: section, build, kernel, float reference."""
