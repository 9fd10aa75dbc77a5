"""One decoder cut into stages: the network, the boundaries between them, what travels."""
