"""What a user must pass, declared: steps, conditions, the table they compile to, and its proof."""
