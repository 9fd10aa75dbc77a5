"""The journal: append-only, hash-linked records, and the state that follows from them."""
