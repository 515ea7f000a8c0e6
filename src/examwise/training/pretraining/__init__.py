"""Self-supervision on unlabelled slices: encoders that have seen images, and no label."""
