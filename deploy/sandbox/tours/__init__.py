"""A whole story for each region."""
