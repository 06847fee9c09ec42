"""Codes that confirm an address or set a forgotten password."""
