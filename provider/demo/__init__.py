"""Everything in one process on loopback, for looking around: provider, mail relay, mailbox, sample app and API.

`run` starts and stops it, `addresses` finds its ports, `seeds` fills a new installation, `mailbox` receives the mail.
Nothing here is part of the service; it imports like the command line does, and nothing imports it but that.
"""

from provider.demo.run import run_demo

__all__ = ["run_demo"]
