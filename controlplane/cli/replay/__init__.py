"""A file of history sent through the loop as a serving app would have sent it."""
