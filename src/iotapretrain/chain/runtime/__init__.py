"""The embedded chain's type description, and the codec that speaks it."""
