"""How good a model is: perplexity, the field's multiple-choice tasks, generated tasks."""
