"""Shared signals that upstream providers send about their users (OpenID Shared Signals Framework 1.0, as receiver).

`tokens` checks what arrives, `subjects` finds whom it is about, `effects` says what each event ends, `receive` does all
of it once, and `verification` asks the upstream for a test.
"""
