"""From tables to a page that people read."""
