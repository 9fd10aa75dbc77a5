"""The command `iota`: one file a command group; each parses, calls and prints."""
