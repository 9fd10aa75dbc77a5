"""How good a model is: perplexity, multiple choice, continuations, generated tasks."""
