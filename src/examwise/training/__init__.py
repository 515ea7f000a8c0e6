"""Learners and how they are trained."""
