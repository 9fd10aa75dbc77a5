"""Whether others can train on from a stranger's model: sabotage, and how it shows."""
