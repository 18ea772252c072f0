"""The outbox: jobs queued in a transaction and delivered after it, at least once, with back-off.

A job is a row (`messages.enqueue`), so it commits or vanishes with the change it belongs to. Its state stays
visible until it is purged. The relay (`relay`) claims a due row and hands it to its topic's handler. To do so in a
thread, dramatiq carries the row's id there (decision 69).
"""
