"""The experiments: a file each, with a claim, the worlds that test it, and a figure."""
