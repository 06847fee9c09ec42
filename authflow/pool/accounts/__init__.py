"""User pools, app clients, users and groups, and what guards their passwords."""
