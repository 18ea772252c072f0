"""The version of the kit. It is that of the Signet it was written for."""

__version__ = "0.2.0"
