"""The authorization request: reading it, what to ask the user, consent, and the code that ends it."""
