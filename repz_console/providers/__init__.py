"""Where facts come from and where changes go: one file a kind. They know `facts` and `plan`, nothing above."""
