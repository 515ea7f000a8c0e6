"""Archives in, exam stores out."""
