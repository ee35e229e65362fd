"""Systems that want to hear of alerts."""
