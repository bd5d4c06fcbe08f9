"""What other splits of the same photos would have told."""
