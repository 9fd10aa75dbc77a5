"""What the competition decides: who may take part, who wins, and what a validator does next."""
