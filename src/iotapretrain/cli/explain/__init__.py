"""What `iota rules explain` reads and the tables that it prints."""
