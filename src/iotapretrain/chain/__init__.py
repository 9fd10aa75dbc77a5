"""The Bittensor chain: one client for the public network and for the chain in a file."""
