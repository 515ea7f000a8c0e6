"""Reading an exam store: slices, labels, splits, packed bags."""
