"""The validator: a resumable loop of small steps over a journal."""
