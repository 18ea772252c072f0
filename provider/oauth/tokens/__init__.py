"""Tokens: access tokens, ID tokens, the claims in them, and the grants they belong to."""
