"""Promises made in a transaction and kept after it: at least once, with back-off, and visible until then.

A promise is a row (`messages.put`), so it commits or vanishes with the change it belongs to. The relay (`relay`) claims
a due row and hands it to its topic's handler; dramatiq carries the row's id to a thread that does so (decision 69).
"""
