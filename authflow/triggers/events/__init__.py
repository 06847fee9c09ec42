"""Cognito's trigger events as typed values."""
