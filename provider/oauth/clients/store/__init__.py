"""The tables of clients and the only SQL on them."""
