"""From predictions to tables."""
