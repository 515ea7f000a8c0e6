"""Tuning: searching a space of options for those that do best on the validation labels."""
