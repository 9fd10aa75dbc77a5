"""The chain as a fold: its state, and what calls and time do to it (Yuma, 11 to 15)."""
