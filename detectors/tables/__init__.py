"""Detectors of many columns at once: what no column shows alone.

Each takes the reference's table and the window's and gives one finding, of column `*`.
"""
