"""Detectors of drift and decay: pure functions over Arrow and NumPy."""
