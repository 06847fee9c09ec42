"""Pacing: requests to Cognito that wait for their turn, rather than be throttled."""
