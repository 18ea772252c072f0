"""Examinations of what is between users and Signet: firewalls, CDNs and gateways."""
