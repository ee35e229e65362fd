"""What is kept of a table in place of its rows: states that add, so that a day is the sum of its
hours and no row is read twice."""
