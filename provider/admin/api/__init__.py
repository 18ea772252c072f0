"""JSON under `/api/admin`, one file per resource: the bodies it takes and gives, and the operations on it."""
