"""Where users come from that a user pool does not know yet."""
