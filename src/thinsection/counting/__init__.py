"""How much of each mineral is in a thin section: points named by a model, by hand, or by both."""
