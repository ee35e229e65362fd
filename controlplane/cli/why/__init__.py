"""Why something happened, told from its evidence: what `leeboard why` finds, chains and writes."""
