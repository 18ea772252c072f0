"""The transmitter of shared signals as receivers see it: endpoints, security event tokens, push and poll.

The rules are in `provider.signals`.
"""
