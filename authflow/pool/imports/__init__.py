"""Import jobs: users who come from a CSV file."""
