"""Work on models of strangers, given out to sandboxed workers here or on other machines."""
