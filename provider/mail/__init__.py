"""The letters and how they leave: written in the transaction, sent by the relay."""
