"""What is measured, how, and against whom. See README.md in this folder."""
