"""The audit log: what happened, who did it, to whom, from where. Append-only, in the transaction of the change."""
