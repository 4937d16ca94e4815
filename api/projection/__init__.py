"""What the API shows, kept ready out of a node's journal and a chain; thrown away and rebuilt at will."""
