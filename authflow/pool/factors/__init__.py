"""The second factors of users: which there are, how they are set up, and who has which."""
