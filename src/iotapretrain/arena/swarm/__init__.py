"""The swarm in a world of its own: laboratories in which its rules are tried."""
