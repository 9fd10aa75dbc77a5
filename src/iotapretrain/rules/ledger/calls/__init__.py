"""What a signed transaction can ask for: one idea a file, each call a value that performs itself."""
