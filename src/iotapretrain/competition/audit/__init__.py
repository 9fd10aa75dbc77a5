"""Repeating a validator's published round, and saying what differs and by how much."""
