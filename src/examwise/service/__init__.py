"""What runs for people to look at: servers on this machine."""
