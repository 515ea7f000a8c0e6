"""Plain functions on NumPy arrays."""
