"""Our HTTP kit: endpoints, forms, cookies, CSRF, pages, errors, middleware. Knows Starlette; knows no capability."""
