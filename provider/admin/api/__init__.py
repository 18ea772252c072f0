"""The JSON operations under `/api/admin`: one file per resource, with the bodies it takes and returns."""
