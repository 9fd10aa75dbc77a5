"""The incentive laboratory: thousands of rounds over the shipped rules, without any model."""
