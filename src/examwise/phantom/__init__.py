"""A synthetic head-CT archive, written as the real ones are."""
