"""Directories: the sources of users that a user pool does not know yet."""
