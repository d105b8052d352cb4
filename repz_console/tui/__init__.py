"""What people see. The only place that imports Textual."""
