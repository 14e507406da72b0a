"""What is wrong, and putting it right."""
