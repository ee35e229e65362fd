"""`leeboard profile`: data files to a profile that merges, and may leave where the rows may not."""
