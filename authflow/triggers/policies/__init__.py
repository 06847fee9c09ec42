"""Policies: steps, conditions, and the table to which they are compiled."""
