"""Tables and images to applications on the desktop, and what is picked in them back to targets."""
