"""What a chain decides: which weights count, Yuma Consensus, emission, and the ledger."""
