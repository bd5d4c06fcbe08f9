"""The packed photos: their table and pixels, their folds, and what is computed of one photo."""
