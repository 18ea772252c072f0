"""Quill Pocket, a sample single-page application: ES modules and WebCrypto, no build step, no secret.

`static/sign_in.js` is the code flow with PKCE, `static/id_token.js` checks an ID token, `static/app.js` is the page.
`app` only hands out these files and says which provider they are for; any web server would do.
"""
