"""What owners see: plain pages, ES modules, one set of styles, words in three languages; served from this package."""
