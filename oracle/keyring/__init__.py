"""Where node keys live: in files (`files`) or in memory (`memory`), behind one port (`port`)."""
