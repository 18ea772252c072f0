"""Streams of shared signals in the admin API: operations and their bodies."""
