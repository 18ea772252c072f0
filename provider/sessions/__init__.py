"""Browser sessions and how sure we are of who is there. Knows users by id only; who they are is `accounts`' matter."""
