"""The parts that screens are made of, one a file; they know nothing of the network."""
