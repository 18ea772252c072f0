"""Provisioning in the admin API: operations and their bodies."""
