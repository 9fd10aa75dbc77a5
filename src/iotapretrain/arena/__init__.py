"""Whole networks on one machine: the demo, the adversaries, the simulators."""
