"""Label-budget studies: what is bought, and the runs that show what it is worth."""
