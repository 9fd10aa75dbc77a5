"""What a signed transaction can ask for: each call is a value that performs itself."""
