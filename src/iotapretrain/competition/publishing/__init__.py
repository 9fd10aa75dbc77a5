"""A miner's way to the chain with a model, and everybody's way to the models that are there."""
