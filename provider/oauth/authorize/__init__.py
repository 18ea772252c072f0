"""The authorization request: parsing it, what to ask the user, consent, and the code that ends it."""
