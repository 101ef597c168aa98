"""Results as words, cells and HTML; prints nothing and knows no terminal and no browser."""
