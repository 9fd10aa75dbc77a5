"""The chain's state in the shape in which the SDK reads it: storage items and runtime APIs."""
