"""Cycle-accurate simulation of analog in-memory-computing chips for recurrent networks.

The physics, timing, energy and trace follow Yang et al., "Efficient nonlinear function
approximation in analog resistive crossbars for recurrent neural networks", Nature Communications
16:1136 (2025), doi 10.1038/s41467-025-56254-6.

Importing this package imports nothing heavy; ``archsim.config``, ``archsim.run.simulate`` and the
other rooms are imported where they are used.
"""

__version__ = "0.1.0"
