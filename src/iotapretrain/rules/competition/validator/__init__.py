"""A validator's memory and decisions: records are decided on, and its state follows from them."""
