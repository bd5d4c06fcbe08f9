"""Photos of thin sections from the physics of polarised light, labelled by construction."""
