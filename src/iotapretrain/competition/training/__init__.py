"""A miner's pretraining: from a few lines of TOML to a model folder that can be published."""
