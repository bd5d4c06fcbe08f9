"""One photo file -> pixels."""
