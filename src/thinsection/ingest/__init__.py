"""From files in any state to one packed data set, with every file accounted for."""
