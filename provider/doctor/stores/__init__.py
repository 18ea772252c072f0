"""Examinations of the database and of Redis."""
