"""The tables of provisioning: the connection of each app, and what is known of each user and group there."""
