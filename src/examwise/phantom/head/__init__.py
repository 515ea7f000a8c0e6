"""The head around the brain: skull, scalp, face and skull base."""
