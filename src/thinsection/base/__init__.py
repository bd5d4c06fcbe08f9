"""What every other room stands on: errors, files, places, seeds, cores, tables. No result can do without."""
