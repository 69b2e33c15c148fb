"""What is noted about the stream beside storing it: who is there, what is missing, what nobody knows."""
