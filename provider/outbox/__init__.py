"""Promises made in a transaction and kept after it: at least once, with back-off, and visible until then.

A promise is a row (`promises.put`), so it commits or vanishes with the change it belongs to. The relay (`relay`) claims
due rows and hands each to its topic's handler; dramatiq only carries the row's id (decision 69).
"""
