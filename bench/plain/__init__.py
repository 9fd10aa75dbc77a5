"""The formulas as they are written, in Python loops: what is measured and tested against."""
