"""Where the pool keeps everything: one SQLite file."""
