"""Those who play against the rules: cheats, and a validator who lies."""
