"""A whole network on one machine: made, run, watched, judged, and cleaned away."""
