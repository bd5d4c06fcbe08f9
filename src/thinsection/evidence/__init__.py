"""Out-of-fold predictions -> the tables of the comparison. Nothing is trained here."""
