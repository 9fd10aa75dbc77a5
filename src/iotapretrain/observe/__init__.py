"""What happens, as typed events: records in files, metrics, and the sinks that they go to."""
