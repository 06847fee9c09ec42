"""The tokens of signed-in users: issued, refreshed and revoked."""
