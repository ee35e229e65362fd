"""What is kept: events and ledger behind two ports, and the one writer."""
