"""All that honest validators must agree on to the last digit: pure functions of plain data."""
