"""What validators publish of their rounds, and everything that is read from it."""
