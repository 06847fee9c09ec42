"""What the pool would send to people: its words and its mailbox."""
