"""The values and the pure rules of the loop; no clock, no storage, no network."""
