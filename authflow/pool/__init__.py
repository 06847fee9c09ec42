"""The embedded pool: a user pool that speaks Cognito's protocol, and needs no AWS account."""
