"""Models of strangers: what may enter, what it loses on a page, and whether others can train on."""
