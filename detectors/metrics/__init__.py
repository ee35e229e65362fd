"""Metrics of labelled rows: the figure, and what each row adds to its uncertainty.

Each function takes arrays over the same rows, at least one, and gives an `Estimate`, or says in
words why the figure is undefined for these rows.
"""
