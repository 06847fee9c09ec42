"""The ground of the web adapters, which knows no framework: sign-ins, sessions and who asks."""
