"""People and their credentials: registration, addresses, passwords, TOTP, recovery codes, suspension.

Knows nothing of OAuth: tokens look at the user (status, not-before mark) when they are used.
"""
