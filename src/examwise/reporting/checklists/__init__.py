"""Reporting guidelines as lists of items, and what a study says of each."""
