"""FITS headers and the XML document that describes one target.

Headers are read by STOA's own reader (`stoa.meta.header`), roles given by a table of rules
(`stoa.meta.roles`), facts derived with a few lines of spherical trigonometry (`stoa.meta.facts`,
`stoa.meta.sky`). Nothing here imports astropy, which costs more than the work itself.
"""
