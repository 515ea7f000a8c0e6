"""Encoders, attention pooling and classifiers on packed bags."""
