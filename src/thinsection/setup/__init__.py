"""Study folders that work on the installed package, and what this machine has."""
