"""Shared signals: what happened to users and sessions, for the receivers that apps registered (OpenID Shared Signals
Framework 1.0).

`streams` has the rules, `notices` turns audit events into signals, `publish` queues them. `provider.ssf` is what
receivers see: the endpoints, and the delivery by push and poll.
"""
