"""What everybody who speaks to others over a network needs."""
