"""One file per endpoint, named as in the discovery document."""
