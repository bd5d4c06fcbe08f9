"""What the study found: effects, verdicts, tables and the page."""
