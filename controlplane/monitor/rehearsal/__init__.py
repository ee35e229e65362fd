"""Drifts of known kind and size, sown into a copy of a model's own rows: what its monitors find.

Nothing is stored and nothing changes; the monitors are the ones that watch the live windows, with
the thresholds that they have.
"""
