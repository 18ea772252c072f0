"""Attributes of users beyond the standard claims: operators declare them, with types, rules, readers and editors."""
