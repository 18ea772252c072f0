"""Emails: written and queued in the transaction of the change, sent later by the relay."""
