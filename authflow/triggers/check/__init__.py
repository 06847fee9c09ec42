"""What proves a policy, or anybody's Define, and never runs in production."""
