"""What the models of a round lose on its pages: once each, in parallel, and no page too many."""
