"""The swarm: one model in stages, on machines that nobody trusts."""
