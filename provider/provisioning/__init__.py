"""Provisioning: users and groups kept up to date at apps that have a SCIM service (RFC 7643, 7644).

`connections` has the rules, `changes` marks what changed in the transaction of the change, `remote` speaks the
protocol. `scim.outbound` knows what an app should have, and pushes it.
"""
