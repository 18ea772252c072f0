"""The demo: provider, mail relay, mailbox, sample apps and API in a single process on loopback.

`run` starts and stops it, `addresses` finds its ports, `seeds` fills a new installation, and `mailbox` receives the
mail. Nothing here is part of the service. Like the command line, it may import every package, and only the command line
imports it.
"""

from provider.demo.run import run_demo

__all__ = ["run_demo"]
