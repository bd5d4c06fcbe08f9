"""The packed photos: table and pixels, folds, reduction, and colour and texture features."""
