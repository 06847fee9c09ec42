"""Messages that the pool would send to people: their words and the mailbox."""
