"""What is dense or dark in a head and is no bleed."""
