"""Sequential detectors: a plain state and a batch of values in, the next state and alarms out."""
