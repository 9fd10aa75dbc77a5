"""Vector files that other systems produced, run against our rules."""
