"""The client: signs users in to a Cognito user pool, from asyncio."""
