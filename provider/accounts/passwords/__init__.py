"""Passwords: which are accepted, changing, resetting."""
