"""The brain: cortex, ventricles, cisterns, dura and deep nuclei."""
