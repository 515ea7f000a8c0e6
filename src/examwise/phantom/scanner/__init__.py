"""From densities to stored pixels: geometry, kernel, noise and artefacts."""
