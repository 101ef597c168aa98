"""The Virtual Observatory: applications on the desktop by SAMP, services by HTTP. Nothing else talks to either."""
