"""Files that are whole or absent, locks, and room for them."""
