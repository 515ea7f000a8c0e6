"""What to label next, and what to expect of it."""
