"""Tables of sources: stacked from products, cut by quality, matched on the sky, drawn."""
