"""One file for each challenge that the pool asks and judges."""
