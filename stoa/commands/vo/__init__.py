"""Services of the Virtual Observatory: asked, and provided."""
