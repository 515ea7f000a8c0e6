"""The exam viewer over HTTP, on this machine alone."""
