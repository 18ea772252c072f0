"""The tables of second factors and the only SQL on them."""
