"""The tables of authorization requests, codes and consents and the only SQL on them."""
