"""The tables of SCIM: what directories say of users and groups, beside the tables of accounts."""
