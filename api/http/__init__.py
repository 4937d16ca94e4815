"""What every route speaks: problems, pages of results, entity tags, CSV, headers, limits, the description of the API."""
