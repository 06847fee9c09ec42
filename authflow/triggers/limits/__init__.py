"""State that survives between Cognito's calls: counted guesses and messages, keys, sealed state."""
