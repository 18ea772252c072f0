"""What happened, who did it, to whom, from where: append-only, written in the transaction of the change itself."""
