"""Signing in and out: password, second factor, step-up and sign-out.

`web.destination` decides where users go next.
"""
