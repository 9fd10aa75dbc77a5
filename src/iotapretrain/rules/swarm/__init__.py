"""What participants of a swarm agree on."""
