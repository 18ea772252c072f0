"""Examinations of what is between users and Signet: firewalls, CDNs, gateways, and what they do to paths and responses."""
