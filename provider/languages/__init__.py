"""The languages of pages and emails: messages (`text`), catalogs (`catalogs`) and negotiation (`negotiation`).

There is one `.po` file per language except English, which is written in the code. `make translations` updates the
catalogs from the code; a test fails while a catalog lacks a message.
"""
