"""Signing keys: generating key pairs, rotating them, and the key ring each process signs and verifies with."""
