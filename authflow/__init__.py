"""Sign users in to Amazon Cognito, write its custom challenges, run all of it without AWS."""
