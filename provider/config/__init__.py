"""Settings: what can be set, the environment they are read from, and what to fix before production."""
