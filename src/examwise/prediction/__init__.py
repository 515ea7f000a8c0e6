"""From a trained run to a predictions directory."""
