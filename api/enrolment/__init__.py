"""Who may connect and who may sign: certificates of a site's own authority, and the keys of devices and nodes."""
