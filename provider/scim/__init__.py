"""SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865): directories create, change, suspend and delete users and groups here.

The models, the filters and the patches are those of `scim2-models`, which is loaded with the first request: a service
that no directory uses never pays for it. What is stored, found and allowed is decided here, in one unit of work for
each request, by the rules of the admin API.
"""
