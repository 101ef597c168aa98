"""The pages of the dashboard, one module a page; each has one function `page`."""
