"""Probes as an attacker: `signet doctor --probes` signs a throw-away user in and tries what must not work.

A probe is a function of a `World`. It returns what went wrong as a sentence, or None.
"""
