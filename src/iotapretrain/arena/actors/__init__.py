"""Those who play: honest miners, cheats, and a validator who lies. One small file each."""
