"""User pools, app clients, users and groups, and the protection of their passwords."""
