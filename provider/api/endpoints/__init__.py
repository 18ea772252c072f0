"""The operations of the account API: one file per resource, with the bodies it takes and returns."""
