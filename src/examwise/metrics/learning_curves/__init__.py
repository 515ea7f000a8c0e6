"""Families of learning curves, and how they are fitted."""
