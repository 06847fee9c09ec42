"""What becomes of every setting of a user pool and an app client: one table, and who reads it."""
