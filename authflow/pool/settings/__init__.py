"""The fates of all settings of a user pool and an app client: one table, and its readers."""
