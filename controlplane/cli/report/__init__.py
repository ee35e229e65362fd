"""HTML reports: one file that needs nothing else, with its style, its plots and its script inside."""
