"""What is meant to happen: values and arithmetic. No I/O, no clock, no Textual."""
