"""The HTTP kit: endpoints, forms, cookies, CSRF, pages, errors, middleware. It uses Starlette and knows no other
package's rules.
"""
