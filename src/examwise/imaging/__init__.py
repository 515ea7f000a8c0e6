"""Images to Hounsfield units and geometry; how pixels are stored."""
