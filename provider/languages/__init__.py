"""The languages of pages and letters: what is said (`text`), in which languages (`catalogs`), which one is wanted
(`negotiation`). One `.po` file for each language but English, which is written in the code.

`make translations` brings the catalogs in step with the code; a test fails while one of them lacks a message.
"""
