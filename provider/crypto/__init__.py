"""Cryptographic primitives without tables: random values and digests, encryption at rest, password hashes, sealed
values.
"""
