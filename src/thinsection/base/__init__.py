"""The basis of every other room: errors, files, places, seeds, cores, tables."""
