"""Clients: their metadata, registration, keys, redirect URIs and the APIs they may call."""
