"""Experiments: a figure or a table from one file and one command."""

from archsim.experiments.base import ExperimentResult, load_experiment, run_experiment

__all__ = ["ExperimentResult", "load_experiment", "run_experiment"]
