"""The tables of grants and refresh tokens and the only SQL on them."""
