"""Training a model, from a recipe to a folder that can be published."""
