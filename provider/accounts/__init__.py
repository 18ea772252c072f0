"""People and their credentials: registration, addresses, passwords, factors, profile, suspension, deletion.

Knows nothing of OAuth: tokens look at the user (status, not-before mark) when they are used.
"""
