"""Passwords: which ones are accepted, and changing and resetting them."""
