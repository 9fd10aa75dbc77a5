"""What anyone can see of a competition and what it means: who leads, by how much, since when."""
