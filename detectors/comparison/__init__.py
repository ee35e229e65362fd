"""Two sets of rows side by side: every column measured on all rows, then judged together."""
