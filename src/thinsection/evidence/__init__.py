"""From out-of-fold predictions to the tables of the comparison. Nothing is trained here."""
