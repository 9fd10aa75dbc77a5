"""The chain as a fold: its state, what calls do to it, and what time does to it (Yuma, 11 to 15)."""
