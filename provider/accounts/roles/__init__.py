"""Roles: what the built-in ones allow in the console and the admin API, and the descriptions of all of them."""
