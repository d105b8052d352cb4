"""What a pane looks like, as pure functions from the room to lines of text. Nothing here imports Textual."""
