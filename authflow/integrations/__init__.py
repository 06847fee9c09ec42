"""Signed-in users for other libraries: one module for each library."""
