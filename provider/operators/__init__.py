"""The rules of what operators do: who may do what to whom, lists, imports, bulk actions, configuration as code.

The console and the admin API (`provider.admin`), SCIM, the worker and the command line call them.
"""
