"""Data files of any size and make, read in pieces: a column at a time where the file allows it."""
