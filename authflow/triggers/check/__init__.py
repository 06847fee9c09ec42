"""Checks of a policy, or of any Define trigger; they never run in production."""
