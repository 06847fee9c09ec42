"""Who is let in, and who has to come again: budgets, a fair line, and the gate before all work."""
