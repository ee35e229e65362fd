"""Scoring of closed windows: fetch, detect, store what was found."""
