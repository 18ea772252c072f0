"""JSON Web Keys, signatures and encryption (JOSE) for all capabilities: algorithms, key sets, JSON."""
