"""What services are, what sites are, how one site is called, how its bodies are translated."""
