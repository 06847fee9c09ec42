"""The storage of the pool: one SQLite file."""
