"""Pages for signing in at an upstream, and the account's page of linked identities."""
