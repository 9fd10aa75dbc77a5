"""Tasks with a ground truth, made from a row number, so that nobody knows the answers."""
