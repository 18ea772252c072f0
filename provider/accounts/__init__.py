"""User accounts and their credentials, from registration to deletion.

Also here: email addresses, passwords, second factors, profile, suspension. This package knows nothing of OAuth. Tokens
look up the user (status, not-before mark) when they are used.
"""
