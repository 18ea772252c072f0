"""Webhooks: audit events sent to other systems through the outbox, signed according to Standard Webhooks 1.0.

`subscriptions` has the rules, `notify` queues events, `delivery` sends them.
"""
