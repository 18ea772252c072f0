"""Webhooks: audit events sent to other systems, signed as Standard Webhooks 1.0 has it, through the outbox.

`subscriptions` has the rules, `notify` queues events, `delivery` sends them.
"""
