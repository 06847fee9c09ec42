"""Sign-ins: from InitiateAuth to tokens, one challenge after another."""
