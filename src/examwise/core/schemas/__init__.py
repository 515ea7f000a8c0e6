"""Typed schemas of every file that stages exchange."""
