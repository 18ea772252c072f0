"""Protocol requests and what they gave, in the admin API: rejected ones, and inspections."""
