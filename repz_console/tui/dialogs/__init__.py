"""Questions and longer texts over the pane: plain objects that take keys and give lines, known to no terminal."""
