"""What miners do: one small file a strategy."""
