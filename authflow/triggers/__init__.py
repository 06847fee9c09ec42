"""The triggers: a custom flow as a policy of challenges, and one handler for all its triggers."""
