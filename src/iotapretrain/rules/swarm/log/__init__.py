"""The signed log of a run: what is written, what it comes to, and what is due."""
