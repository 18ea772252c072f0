"""Provisioning as operators manage it: `rules`, `as_code` for `signet apply`, and `api`, its part of the admin API."""
