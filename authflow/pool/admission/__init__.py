"""Admission of requests: budgets, a fair line, and the gate before all work."""
