"""The challenges that the pool asks and judges: one file for each."""
