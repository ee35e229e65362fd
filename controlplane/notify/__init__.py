"""Alerts: grouping, silences, the outbox and its delivery."""
